-- a software company: what most people's tables look like
CREATE TYPE plan_tier AS ENUM ('free', 'team', 'enterprise');
CREATE TABLE organizations (id uuid PRIMARY KEY, name text NOT NULL, domain text UNIQUE, tier plan_tier NOT NULL DEFAULT 'free', seats int NOT NULL CHECK (seats > 0),
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz, CHECK (created_at <= updated_at));
CREATE TABLE users (id uuid PRIMARY KEY, organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, email varchar(255) NOT NULL,
    password_hash char(60) NOT NULL, first_name varchar(80), last_name varchar(80), phone varchar(20), locale varchar(5), time_zone text, age smallint,
    is_admin boolean NOT NULL, last_login_at timestamptz, preferences jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    UNIQUE (organization_id, email));
CREATE TABLE projects (id bigint PRIMARY KEY, organization_id uuid NOT NULL REFERENCES organizations, owner_id uuid REFERENCES users ON DELETE SET NULL,
    name text NOT NULL, description text, color char(7), start_date date NOT NULL, end_date date, budget numeric(12,2), status text NOT NULL,
    UNIQUE (organization_id, id));
CREATE TABLE invoices (id bigint PRIMARY KEY, number varchar(20) NOT NULL UNIQUE, organization_id uuid NOT NULL REFERENCES organizations, currency char(3) NOT NULL,
    subtotal numeric(12,2) NOT NULL, tax numeric(12,2) NOT NULL, total numeric(12,2) NOT NULL, issued_on date NOT NULL, due_on date NOT NULL, paid_at timestamptz);
CREATE TABLE invoice_lines (invoice_id bigint NOT NULL REFERENCES invoices, line_number int NOT NULL, description text NOT NULL, quantity int NOT NULL,
    unit_price numeric(10,2) NOT NULL, PRIMARY KEY (invoice_id, line_number));
CREATE TABLE api_keys (id uuid PRIMARY KEY, user_id uuid NOT NULL UNIQUE REFERENCES users, token_hash bytea NOT NULL UNIQUE, scopes text[] NOT NULL,
    ip_address inet, expires_at timestamptz);
CREATE TABLE audit_log (id bigserial PRIMARY KEY, actor_id uuid REFERENCES users, action varchar(50) NOT NULL, target_type varchar(50), target_id uuid,
    ip inet, user_agent text, created_at timestamptz NOT NULL);
CREATE INDEX ON audit_log (created_at);
COMMENT ON COLUMN users.locale IS 'BCP 47';
