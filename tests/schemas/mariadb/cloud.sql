-- Files of many users: hashes as keys, paths, signed flags, binary collations, keys over a name and a number.
CREATE TABLE oc_storages (numeric_id bigint(20) NOT NULL AUTO_INCREMENT, id varchar(64) COLLATE utf8mb4_bin DEFAULT NULL, available int(11) NOT NULL DEFAULT 1,
    PRIMARY KEY (numeric_id), UNIQUE KEY storages_id_index (id)) COLLATE utf8mb4_bin;
CREATE TABLE oc_mimetypes (id bigint(20) NOT NULL AUTO_INCREMENT, mimetype varchar(255) COLLATE utf8mb4_bin NOT NULL DEFAULT '', PRIMARY KEY (id), UNIQUE KEY m (mimetype));
CREATE TABLE oc_filecache (fileid bigint(20) NOT NULL AUTO_INCREMENT, storage bigint(20) NOT NULL, path varchar(4000) COLLATE utf8mb4_bin DEFAULT NULL,
    path_hash varchar(32) COLLATE utf8mb4_bin NOT NULL DEFAULT '', parent bigint(20) NOT NULL DEFAULT 0, name varchar(250) COLLATE utf8mb4_bin DEFAULT NULL,
    mimetype bigint(20) NOT NULL, mimepart bigint(20) NOT NULL, size bigint(20) NOT NULL DEFAULT 0, mtime bigint(20) NOT NULL DEFAULT 0, encrypted int(11) NOT NULL DEFAULT 0,
    etag varchar(40) COLLATE utf8mb4_bin DEFAULT NULL, permissions int(11) DEFAULT 0 CHECK (permissions >= 0 AND permissions < 32), checksum varchar(255) DEFAULT NULL,
    PRIMARY KEY (fileid), UNIQUE KEY fs (storage, path_hash), FOREIGN KEY (storage) REFERENCES oc_storages (numeric_id),
    FOREIGN KEY (mimetype) REFERENCES oc_mimetypes (id), FOREIGN KEY (mimepart) REFERENCES oc_mimetypes (id));
CREATE TABLE oc_users (uid varchar(64) COLLATE utf8mb4_bin NOT NULL DEFAULT '', displayname varchar(64) DEFAULT NULL, password varchar(255) NOT NULL DEFAULT '',
    uid_lower varchar(64) GENERATED ALWAYS AS (lower(uid)) VIRTUAL, PRIMARY KEY (uid), UNIQUE KEY lower_uid (uid_lower));
CREATE TABLE oc_share (id bigint(20) NOT NULL AUTO_INCREMENT, share_type smallint(6) NOT NULL DEFAULT 0 CHECK (share_type IN (0, 1, 3, 4, 6)), share_with varchar(255) DEFAULT NULL,
    uid_owner varchar(64) COLLATE utf8mb4_bin NOT NULL DEFAULT '', parent bigint(20) DEFAULT NULL, item_type varchar(64) NOT NULL CHECK (item_type = 'file' OR item_type = 'folder'),
    file_source bigint(20) DEFAULT NULL, stime bigint(20) NOT NULL, expiration datetime DEFAULT NULL, token varchar(32) DEFAULT NULL,
    password_by_talk tinyint(1) DEFAULT 0, attributes longtext DEFAULT NULL CHECK (json_valid(attributes)), PRIMARY KEY (id), UNIQUE KEY token (token),
    FOREIGN KEY (uid_owner) REFERENCES oc_users (uid), FOREIGN KEY (parent) REFERENCES oc_share (id), FOREIGN KEY (file_source) REFERENCES oc_filecache (fileid));
CREATE TABLE oc_preferences (userid varchar(64) COLLATE utf8mb4_bin NOT NULL, appid varchar(32) NOT NULL DEFAULT '', configkey varchar(64) NOT NULL DEFAULT '',
    configvalue longtext, PRIMARY KEY (userid, appid, configkey), FOREIGN KEY (userid) REFERENCES oc_users (uid) ON DELETE CASCADE);
CREATE TABLE oc_group_user (gid varchar(64) NOT NULL, uid varchar(64) COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (gid, uid), FOREIGN KEY (uid) REFERENCES oc_users (uid));
