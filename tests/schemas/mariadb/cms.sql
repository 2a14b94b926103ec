-- A content management system: revisions and languages in every key, circles between a node and its latest revision, varchar_ascii keys.
CREATE TABLE node (
    nid int(10) unsigned NOT NULL AUTO_INCREMENT, vid int(10) unsigned DEFAULT NULL, `type` varchar(32) CHARACTER SET ascii NOT NULL,
    uuid varchar(128) CHARACTER SET ascii NOT NULL, langcode varchar(12) CHARACTER SET ascii NOT NULL,
    PRIMARY KEY (nid), UNIQUE KEY node_uuid (uuid), UNIQUE KEY node_vid (vid));
CREATE TABLE node_revision (
    nid int(10) unsigned NOT NULL, vid int(10) unsigned NOT NULL AUTO_INCREMENT, langcode varchar(12) CHARACTER SET ascii NOT NULL,
    revision_timestamp int(11) DEFAULT NULL, revision_log longtext, revision_default tinyint(4) DEFAULT NULL,
    PRIMARY KEY (vid), KEY nid (nid), CONSTRAINT revision_of FOREIGN KEY (nid) REFERENCES node (nid));
ALTER TABLE node ADD CONSTRAINT latest FOREIGN KEY (vid) REFERENCES node_revision (vid);
CREATE TABLE node_field_data (
    nid int(10) unsigned NOT NULL, vid int(10) unsigned NOT NULL, langcode varchar(12) CHARACTER SET ascii NOT NULL, status tinyint(4) NOT NULL,
    title varchar(255) NOT NULL, created int(11) NOT NULL, changed int(11) NOT NULL, promote tinyint(4) NOT NULL, sticky tinyint(4) NOT NULL,
    PRIMARY KEY (nid, langcode), CONSTRAINT data_of FOREIGN KEY (nid) REFERENCES node (nid), CONSTRAINT data_rev FOREIGN KEY (vid) REFERENCES node_revision (vid));
CREATE TABLE node__body (
    bundle varchar(128) CHARACTER SET ascii NOT NULL DEFAULT '', deleted tinyint(4) NOT NULL DEFAULT 0, entity_id int(10) unsigned NOT NULL,
    revision_id int(10) unsigned NOT NULL, langcode varchar(32) CHARACTER SET ascii NOT NULL DEFAULT '', delta int(10) unsigned NOT NULL,
    body_value longtext NOT NULL, body_summary longtext, body_format varchar(255) CHARACTER SET ascii DEFAULT NULL,
    PRIMARY KEY (entity_id, deleted, delta, langcode), KEY fmt (body_format(191)));
CREATE TABLE cache_render (cid varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '', data longblob, expire bigint(20) NOT NULL DEFAULT 0,
    created decimal(14,3) NOT NULL DEFAULT 0.000, serialized smallint(6) NOT NULL DEFAULT 0, tags longtext, checksum varchar(255) CHARACTER SET ascii NOT NULL,
    PRIMARY KEY (cid), KEY expire (expire));
CREATE TABLE taxonomy_index (nid int(10) unsigned NOT NULL, tid smallint(5) unsigned NOT NULL, status int(11) NOT NULL DEFAULT 1,
    sticky tinyint(4) DEFAULT 0, created int(11) NOT NULL DEFAULT 0, PRIMARY KEY (nid, tid), FOREIGN KEY (nid) REFERENCES node (nid));
CREATE TABLE key_value (collection varchar(128) CHARACTER SET ascii NOT NULL, name varchar(128) CHARACTER SET ascii NOT NULL, value longblob NOT NULL,
    PRIMARY KEY (collection, name));
