"""The plans that are inside the program, loaded into a real PostgreSQL with their keys, and asked whether their rows hang together."""
import unittest

from harness import Case
from live.servers import Postgres

server = None


def setUpModule():
    global server
    try:
        server = Postgres()
        server.__enter__()
    except (OSError, RuntimeError) as why:
        raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")


def tearDownModule():
    if server:
        server.remove()


# Each is a count of rows that should not be there.
WRONG = {
    "ecommerce": [
        "SELECT count(*) FROM orders o JOIN customers c ON c.id = customer_id WHERE ordered_at < c.created_at OR shipped_at < ordered_at OR delivered_at < shipped_at",
        "SELECT count(*) FROM orders WHERE (status = 'delivered') > (delivered_at IS NOT NULL) OR (status IN ('pending', 'paid', 'cancelled') AND shipped_at IS NOT NULL)",
        "SELECT count(*) FROM order_items JOIN products p ON p.id = product_id WHERE unit_price <> price OR total <> round(unit_price * quantity * (100 - discount_percent) / 100, 2)",
        "SELECT count(*) FROM (SELECT order_id, count(*) n, max(line_number) m FROM order_items GROUP BY 1) o WHERE n <> m",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM order_items WHERE order_id = o.id)",
        "SELECT count(*) FROM reviews r JOIN order_items i ON i.id = order_item_id JOIN orders o ON o.id = order_id WHERE r.product_id <> i.product_id OR "
        "r.customer_id <> o.customer_id OR r.created_at < ordered_at OR r.created_at > '2026-01-01' OR verified <> (status IN ('delivered', 'returned'))",
        "SELECT count(*) FROM customers WHERE updated_at < created_at",
        "SELECT count(*) FROM (SELECT slug FROM categories GROUP BY 1 HAVING count(*) > 1) c",
    ],
    "saas": [
        "SELECT count(*) FROM subscriptions s JOIN tenants t ON t.id = tenant_id WHERE started_at < created_at OR cancelled_at < started_at OR "
        "CASE size WHEN 'small' THEN seats > 15 WHEN 'medium' THEN seats NOT BETWEEN 15 AND 150 ELSE seats < 150 END OR (plan = 'enterprise' AND size = 'small')",
        "SELECT count(*) FROM billing_invoices b JOIN subscriptions s ON s.id = subscription_id WHERE b.tenant_id <> s.tenant_id OR amount <> monthly_price + usage_fee OR "
        "tax <> round(amount * 0.19, 2) OR issued_at < started_at::date OR paid_at < issued_at OR (b.status = 'paid') <> (paid_at IS NOT NULL)",
        "SELECT count(*) FROM users u JOIN tenants t ON t.id = tenant_id WHERE u.created_at < t.created_at OR last_login_at < u.created_at OR active <> (last_login_at IS NOT NULL)",
        "SELECT count(*) FROM usage_metrics WHERE value < 0 OR recorded_at NOT BETWEEN '2024-01-01' AND '2026-01-01'",
    ],
    "healthcare": [
        "SELECT count(*) FROM appointments WHERE ends_at - starts_at <> duration_minutes * interval '1 minute' OR booked_at > starts_at OR extract(isodow FROM starts_at) = 7 OR "
        "extract(minute FROM starts_at)::int % 15 <> 0",
        "SELECT count(*) FROM medical_records m JOIN appointments a ON a.id = appointment_id WHERE m.patient_id <> a.patient_id OR m.doctor_id <> a.doctor_id OR recorded_at < ends_at",
        "SELECT count(*) FROM medical_records WHERE (icd_code = 'I10') <> (diagnosis = 'essential hypertension') OR diastolic >= systolic",
        "SELECT count(*) FROM prescriptions p JOIN medical_records m ON m.id = record_id WHERE p.patient_id <> m.patient_id OR prescribed_on <> (recorded_at AT TIME ZONE 'UTC')::date OR "
        "ends_on <> prescribed_on + days * (refills + 1) OR (icd_code = 'I10' AND medication NOT IN ('amlodipine', 'lisinopril', 'losartan'))",
    ],
    "finance": [
        "SELECT count(*) FROM accounts a JOIN customers c ON c.id = customer_id WHERE opened_at < created_at OR (kind IN ('credit', 'loan')) <> (balance <= 0 AND kind IN ('credit', 'loan'))",
        "SELECT count(*) FROM transactions t JOIN accounts a ON a.id = account_id WHERE booked_at < opened_at OR amount <= 0 OR (t.kind = 'salary' AND direction <> 'in') OR "
        "(merchant IS NOT NULL) <> (t.kind IN ('card payment', 'refund'))",
        "SELECT count(*) FROM investments i JOIN portfolios p ON p.id = portfolio_id WHERE purchased_at < opened_at OR market_value <> round(quantity * current_price, 2) OR "
        "(instrument = 'crypto' AND risk <> 'dynamic')",
        "SELECT count(*) FROM customers WHERE segment = 'private' AND annual_income < 200000",
    ],
}
KEYS = {"ecommerce": "f7 p6 u4", "saas": "f5 p5 u4", "healthcare": "f8 p5 u4", "finance": "f4 p5 u3"}


class Templates(Case):
    def test_rows_hang_together(self):
        for name, wrong in WRONG.items():
            with self.subTest(name):
                db = server.database(name)
                self.spate_ok("generate", "--template", name, "--to", server.uri(db), "--create", "--progress", "none")
                keys = ("SELECT string_agg(contype || n, ' ' ORDER BY contype) FROM (SELECT contype::text, count(*) n FROM pg_constraint "
                        "WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace GROUP BY 1) c")
                self.assertEqual(server.value(keys, db), KEYS[name])
                for sql in wrong:
                    self.assertEqual(str(server.value(sql, db)), "0", sql)

    def test_what_is_shown_is_the_plan(self):
        for name, table in ("saas", "users"), ("finance", "accounts"):
            text = self.spate_ok("template", "show", name).out
            args = "--table", table, "--to", "-?format=csv", "--progress", "none"
            self.assertEqual(self.spate_ok("generate", "-", *args, stdin=text).out, self.spate_ok("generate", "--template", name, *args).out)

    def test_parameters_change_the_rows(self):
        db = server.database("params")
        self.spate_ok("generate", "--template", "ecommerce", "--param", "customers=20", "--param", "orders=30", "--param", "order_items=60", "--param", "reviews=10",
                      "--param", "locale={de: 3, fr: 1}", "--to", server.uri(db), "--create", "--progress", "none")
        self.assertEqual(server.value("SELECT (SELECT count(*) FROM customers) || ' ' || (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM order_items)", db), "20 30 60")
        self.assertEqual(str(server.value("SELECT count(*) FROM customers WHERE country NOT IN ('DE', 'FR')", db)), "0")

    def test_other_targets_take_them(self):
        for name in WRONG:
            self.spate_ok("generate", "--template", name, "--to", f"sqlite:{name}.db", "--create", "--progress", "none")
            self.spate_ok("generate", "--template", name, "--progress", "none")
            self.assertTrue((self.dir / f"{name}.duckdb").exists())


if __name__ == "__main__":
    unittest.main()
