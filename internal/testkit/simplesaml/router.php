<?php
// PHP's own server knows no PATH_INFO, which SimpleSAMLphp needs: /a/b.php/c is
// the script /a/b.php with the path /c.

// SimpleSAMLphp 1.19 knows AES-GCM, but takes AES-128-CBC for whoever has a
// certificate. This class is its own with that one line changed.
$patched = getenv('LUVAT_TEST_ENCRYPTION');
if ($patched !== false && $patched !== '') {
    require $patched;
}

$root = '/usr/share/simplesamlphp/www';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!is_string($path) || strpos($path, '/simplesaml/') !== 0) {
    http_response_code(404);
    return true;
}
$path = substr($path, strlen('/simplesaml'));
if (preg_match('~^(/.*?\.php)(/.*)?$~', $path, $m) === 1 && is_file($root . $m[1])) {
    $_SERVER['SCRIPT_NAME'] = '/simplesaml' . $m[1];
    $_SERVER['SCRIPT_FILENAME'] = $root . $m[1];
    $_SERVER['PHP_SELF'] = '/simplesaml' . $path;
    unset($_SERVER['PATH_INFO']);
    if (isset($m[2])) {
        $_SERVER['PATH_INFO'] = $m[2];
    }
    chdir(dirname($root . $m[1]));
    require $root . $m[1];
    return true;
}
$file = realpath($root . $path);
if ($file === false || strpos($file, '/usr/share/') !== 0 || !is_file($file)) {
    http_response_code(404);
    return true;
}
$types = ['css' => 'text/css', 'js' => 'text/javascript', 'png' => 'image/png', 'gif' => 'image/gif', 'ico' => 'image/x-icon'];
header('Content-Type: ' . ($types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'application/octet-stream'));
readfile($file);
return true;
