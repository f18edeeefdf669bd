-- What version 2 adds.
INSERT INTO names VALUES (1, 'acme'), (2, 'key_1'), (3, 'fast'), (4, 'openai/gpt-4o'), (5, 'openai'), (6, 'gpt-4o'), (7, 'openai.chat'), (8, '');
INSERT INTO journals VALUES (x'0102030405060708090a0b0c0d0e0f10', 2, 4096);
INSERT INTO entries VALUES (x'018bcfe568000102030405060708090a', 'req', 1, 2, 3, 4, 5, 6, 7, 8, 0, 200, 8, 6, 1, 800000, 0, 10, 5, 0, 0, 0, 1500);
INSERT INTO days VALUES (19675, 1, 2, 3, 4, 5, 6, 7, 1, 0, 0, 10, 5, 0, 0, 0, 1500, 800000);
INSERT INTO blocks VALUES (9, 1, x'018bcfe568000102030405060708090a', x'018bcfe568000102030405060708090a', 1, 3, x'010203');
