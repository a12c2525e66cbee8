<?php
// php smtp_client.php PORT: one message over plain SMTP, the way small PHP mailers do it; prints the server's answer.
$s = stream_socket_client("tcp://127.0.0.1:" . $argv[1], $errno, $error, 10) or exit("connect: $error\n");
function ask($s, ?string $line, string $want): string {
    if ($line !== null) fwrite($s, $line . "\r\n");
    do { $answer = fgets($s); } while ($answer !== false && $answer[3] === "-");
    if ($answer === false || !str_starts_with($answer, $want)) { fwrite(STDERR, "$line: $answer"); exit(1); }
    return $answer;
}
ask($s, null, "220");
ask($s, "EHLO php.example.test", "250");
ask($s, "MAIL FROM:<app@example.test>", "250");
ask($s, "RCPT TO:<user@example.test>", "250");
ask($s, "DATA", "354");
echo ask($s, "From: app@example.test\r\nTo: user@example.test\r\nSubject: from PHP\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>hallo</b>\r\n.", "250");
ask($s, "QUIT", "221");
