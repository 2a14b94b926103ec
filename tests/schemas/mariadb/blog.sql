-- A weblog: zero dates as defaults, unsigned keys, meta tables without foreign keys, prefix indexes, keys over long texts.
SET sql_mode = '';
CREATE TABLE wp_users (
    ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, user_login varchar(60) NOT NULL DEFAULT '', user_pass varchar(255) NOT NULL DEFAULT '',
    user_nicename varchar(50) NOT NULL DEFAULT '', user_email varchar(100) NOT NULL DEFAULT '', user_url varchar(100) NOT NULL DEFAULT '',
    user_registered datetime NOT NULL DEFAULT '0000-00-00 00:00:00', user_activation_key varchar(255) NOT NULL DEFAULT '',
    user_status int(11) NOT NULL DEFAULT 0, display_name varchar(250) NOT NULL,
    PRIMARY KEY (ID), UNIQUE KEY login (user_login), KEY nicename (user_nicename)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
CREATE TABLE wp_posts (
    ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_author bigint(20) unsigned NOT NULL DEFAULT 0,
    post_date datetime NOT NULL DEFAULT '0000-00-00 00:00:00', post_content longtext NOT NULL, post_title text NOT NULL,
    post_status varchar(20) NOT NULL DEFAULT 'publish', post_name varchar(200) NOT NULL, post_modified datetime NOT NULL,
    post_parent bigint(20) unsigned DEFAULT NULL, guid varchar(255) NOT NULL, menu_order int(11) NOT NULL DEFAULT 0,
    post_mime_type varchar(100) NOT NULL DEFAULT '', comment_count bigint(20) NOT NULL DEFAULT 0,
    PRIMARY KEY (ID), UNIQUE KEY one_guid (guid(191)), KEY post_name (post_name(191)), FULLTEXT KEY words (post_title, post_content),
    CONSTRAINT author FOREIGN KEY (post_author) REFERENCES wp_users (ID), CONSTRAINT parent FOREIGN KEY (post_parent) REFERENCES wp_posts (ID) ON DELETE SET NULL);
CREATE TABLE wp_postmeta (
    meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_id bigint(20) unsigned NOT NULL, meta_key varchar(255) DEFAULT NULL, meta_value longtext,
    PRIMARY KEY (meta_id), KEY post_id (post_id), CONSTRAINT of_post FOREIGN KEY (post_id) REFERENCES wp_posts (ID) ON DELETE CASCADE);
CREATE TABLE wp_terms (term_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, name varchar(200) NOT NULL, slug varchar(200) NOT NULL,
    term_group bigint(10) NOT NULL DEFAULT 0, PRIMARY KEY (term_id), UNIQUE KEY slug (slug(100)));
CREATE TABLE wp_term_taxonomy (
    term_taxonomy_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, term_id bigint(20) unsigned NOT NULL, taxonomy varchar(32) NOT NULL,
    description longtext NOT NULL, parent bigint(20) unsigned NOT NULL DEFAULT 0, count bigint(20) NOT NULL DEFAULT 0,
    PRIMARY KEY (term_taxonomy_id), UNIQUE KEY term_id_taxonomy (term_id, taxonomy), FOREIGN KEY (term_id) REFERENCES wp_terms (term_id));
CREATE TABLE wp_term_relationships (
    object_id bigint(20) unsigned NOT NULL, term_taxonomy_id bigint(20) unsigned NOT NULL, term_order int(11) NOT NULL DEFAULT 0,
    PRIMARY KEY (object_id, term_taxonomy_id), FOREIGN KEY (object_id) REFERENCES wp_posts (ID), FOREIGN KEY (term_taxonomy_id) REFERENCES wp_term_taxonomy (term_taxonomy_id));
CREATE TABLE wp_options (option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, option_name varchar(191) NOT NULL, option_value longtext NOT NULL,
    autoload enum('yes', 'no') NOT NULL DEFAULT 'yes', PRIMARY KEY (option_id), UNIQUE KEY option_name (option_name));
