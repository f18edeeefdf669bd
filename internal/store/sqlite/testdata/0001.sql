-- What a file of version 1 can hold.
INSERT INTO tenants VALUES ('acme', 'Acme', 1, '{"models":["fast"]}', '{"concurrent":4}', 1700000000000, 1700000001000, 3);
INSERT INTO keys VALUES ('key_1', 'acme', 'ci', 5, '{"requests_per_minute":60}', 0, 0, 1700000000000, 1700000000000, 1);
INSERT INTO secrets VALUES (x'0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20', 'key_1', 'sy_abcde', 1700000000000, 0, 1700000060000);
INSERT INTO modules VALUES (x'2102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20', x'0061736d');
INSERT INTO policies VALUES ('acme', 'cheap', 1, 0, 0, 1700000000000, 1700000002000, 2);
INSERT INTO version_numbers VALUES ('acme', 'cheap', 1);
INSERT INTO versions VALUES ('acme', 'cheap', 1, x'2102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20', 4, '{"a":1}', 'me', 'first', 1700000000000, 1, '');
INSERT INTO changes VALUES (1, 'acme', 'cheap', 1700000002000, 'me', 'go', 0, 0, 0, 1, 0, 0);
