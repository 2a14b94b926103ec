-- keys that have the tenant in common
CREATE TABLE tenant (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE TABLE usr (tenant_id uuid NOT NULL REFERENCES tenant, id int NOT NULL, email text NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email));
CREATE TABLE project (tenant_id uuid NOT NULL REFERENCES tenant, id int NOT NULL, owner int NOT NULL, PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, owner) REFERENCES usr (tenant_id, id));
CREATE TABLE task (tenant_id uuid NOT NULL, id int NOT NULL, parent int, project int NOT NULL, assignee int, "reported by" int NOT NULL, PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, parent) REFERENCES task,
    FOREIGN KEY (tenant_id, project) REFERENCES project, FOREIGN KEY (tenant_id, assignee) REFERENCES usr, FOREIGN KEY (tenant_id, "reported by") REFERENCES usr);
