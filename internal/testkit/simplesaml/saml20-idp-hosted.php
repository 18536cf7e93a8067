<?php
$profile = json_decode(file_get_contents(getenv('SIMPLESAMLPHP_CONFIG_DIR') . '/profile.json'), true);
$rsa = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
$filters = [];
if ($profile['Persistent']) {
    $filters[10] = ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'];
}
// What a person's attributes say of the sign-in itself is not for the service.
$filters[90] = ['class' => 'core:PHP', 'code' => '
    if (isset($attributes["status"])) {
        $error = new \SimpleSAML\Module\saml\Error(\SAML2\Constants::STATUS_RESPONDER, $attributes["status"][0]);
        \SimpleSAML\Auth\State::throwException($state, $error);
    }
    $state["saml:AuthnContextClassRef"] = $attributes["level"][0];
    unset($attributes["level"], $attributes["uid"]);
'];
$metadata[getenv('LUVAT_TEST_ENTITY')] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
    'authproc' => $filters,
    'signature.algorithm' => $rsa,
    'saml20.sign.response' => true,
    'saml20.sign.assertion' => true,
    'assertion.encryption' => true,
    'validate.authnrequest' => true,
    'redirect.sign' => true,
    'redirect.validate' => true,
    'sign.logout' => true,
    'validate.logout' => true,
    'logouttype' => $profile['Frames'] ? 'iframe' : 'traditional',
    'NameIDFormat' => $profile['Persistent'] ? \SAML2\Constants::NAMEID_PERSISTENT : \SAML2\Constants::NAMEID_TRANSIENT,
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'attributeencodings' => [],
    'scope' => $profile['Scopes'] ?? [],
    'UIInfo' => ['DisplayName' => ['fi' => $profile['Name'], 'sv' => $profile['Name'], 'en' => $profile['Name']]],
];
