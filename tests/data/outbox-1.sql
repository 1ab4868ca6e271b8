-- A database as the first schema left it after a crash: one mail new, one at a relay, one
-- dead, one deferred.
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN;
CREATE TABLE records(key TEXT PRIMARY KEY, version INTEGER NOT NULL, expires_ms INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE mails(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, ready_ms INTEGER, claimed_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, accepted_ms INTEGER NOT NULL, length INTEGER NOT NULL, relay TEXT NOT NULL, receiver TEXT NOT NULL, integration INTEGER NOT NULL, message_id TEXT NOT NULL, sender TEXT NOT NULL, grp TEXT NOT NULL, subject TEXT NOT NULL);
CREATE INDEX mails_ready ON mails(relay, ready_ms) WHERE ready_ms IS NOT NULL;
CREATE INDEX mails_unclaimed ON mails(accepted_ms) WHERE state < 2;
CREATE TABLE recipients(mail INTEGER NOT NULL, position INTEGER NOT NULL, address TEXT NOT NULL, lane INTEGER, state INTEGER NOT NULL, claimed INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, in_doubt INTEGER NOT NULL, kind INTEGER NOT NULL, code INTEGER NOT NULL, enhanced TEXT NOT NULL, relay TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(mail, position)) WITHOUT ROWID;
CREATE INDEX recipients_lane ON recipients(lane) WHERE lane IS NOT NULL AND state < 2;
CREATE TABLE bodies(mail INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
INSERT INTO mails VALUES(1, 0, 1700000000000, 0, 0, 1700000000000, 5, 'r', 'mail', 0, 'new@x', 's@x', '', 'new');
INSERT INTO mails VALUES(2, 2, NULL, 1700000001000, 1, 1700000000000, 5, 'r', 'mail', 0, 'held@x', 's@x', '', 'held');
INSERT INTO mails VALUES(3, 3, NULL, 1700000002000, 1, 1700000000000, 5, 'r', 'mail', 0, 'dead@x', 's@x', '', 'dead');
INSERT INTO mails VALUES(4, 1, 1700000300000, 1700000003000, 1, 1700000000000, 5, 'r', 'mail', 0, 'waits@x', 's@x', '', 'waits');
INSERT INTO recipients VALUES(1, 0, 'a@x', NULL, 0, 0, 0, 0, 0, 0, 0, '', '', '');
INSERT INTO recipients VALUES(2, 0, 'a@x', NULL, 0, 1, 0, 0, 0, 0, 0, '', '', '');
INSERT INTO recipients VALUES(3, 0, 'a@x', NULL, 3, 0, 1, 0, 0, 3, 550, '5.1.1', 'mx:25', 'no such user');
INSERT INTO recipients VALUES(4, 0, 'a@x', NULL, 0, 0, 1, 1700000300000, 0, 2, 450, '4.2.0', 'mx:25', 'later');
INSERT INTO bodies VALUES(1, 'mail1'), (2, 'mail2'), (3, 'mail3'), (4, 'mail4');
INSERT INTO records VALUES('k', 1700000000000000, 0, x'01');
PRAGMA application_id = 1634496628;
PRAGMA user_version = 1;
COMMIT;
