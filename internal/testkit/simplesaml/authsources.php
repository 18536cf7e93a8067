<?php
$people = json_decode(file_get_contents(getenv('SIMPLESAMLPHP_CONFIG_DIR') . '/people.json'), true);
$config = ['people' => ['exampleauth:UserPass'] + $people];
