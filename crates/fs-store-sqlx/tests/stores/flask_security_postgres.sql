-- Tables that SQLAlchemy creates from the models of Flask-Security 4.1, version 2, with a few rows.
CREATE TABLE role (
    id SERIAL NOT NULL,
    name VARCHAR(80) NOT NULL,
    description VARCHAR(255),
    permissions TEXT,
    update_datetime TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
INSERT INTO role VALUES(1,'editor','Writes','page-write,page-read','2021-11-21 21:56:10');
INSERT INTO role VALUES(2,'empty',NULL,NULL,'2021-11-21 21:56:10');
CREATE TABLE "user" (
    id SERIAL NOT NULL,
    email VARCHAR(255) NOT NULL,
    password VARCHAR(255) NOT NULL,
    active BOOLEAN NOT NULL,
    fs_uniquifier VARCHAR(64) NOT NULL,
    confirmed_at TIMESTAMP WITHOUT TIME ZONE,
    last_login_at TIMESTAMP WITHOUT TIME ZONE,
    current_login_at TIMESTAMP WITHOUT TIME ZONE,
    last_login_ip VARCHAR(64),
    current_login_ip VARCHAR(64),
    login_count INTEGER,
    tf_primary_method VARCHAR(64),
    tf_totp_secret VARCHAR(255),
    tf_phone_number VARCHAR(128),
    create_datetime TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    update_datetime TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    username VARCHAR(255),
    us_totp_secrets TEXT,
    us_phone_number VARCHAR(128),
    PRIMARY KEY (id),
    UNIQUE (email),
    UNIQUE (fs_uniquifier),
    UNIQUE (username)
);
INSERT INTO "user" VALUES(1,'Joe@lp.com','$2b$x',true,'3dd9f0f443214416a0e0eab934c0d9c7','2021-03-04 05:06:07.000089','2021-03-04 05:06:07.000000',NULL,NULL,NULL,3,'sms','TF','+15551234567','2021-11-21 21:56:10','2021-11-21 21:56:10','joe','{"sms": "SECRET", "authenticator": "\u00dc\"x"}',NULL);
INSERT INTO "user" VALUES(2,'nobody@lp.com','',false,'00a8d1c4b2ca455b9aa0440e85bf6175',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2021-11-21 21:56:10','2021-11-21 21:56:10',NULL,NULL,NULL);
CREATE TABLE roles_users (
    user_id INTEGER,
    role_id INTEGER,
    FOREIGN KEY(user_id) REFERENCES "user" (id),
    FOREIGN KEY(role_id) REFERENCES role (id)
);
-- Duplicates, which the models allow.
INSERT INTO roles_users VALUES(1,1);
INSERT INTO roles_users VALUES(1,1);
SELECT setval('user_id_seq', 2);
SELECT setval('role_id_seq', 2);
