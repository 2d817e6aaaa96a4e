//go:build unix

package chaos

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

// mixed is a set of migrations with every way in which a script runs. The
// statement of which nobody can know whether it took effect is in callVersion.
var mixed = map[string]string{
	"1_tables.up.sql": `CREATE TYPE state AS ENUM ('new', 'paid');
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, state state NOT NULL, placed date NOT NULL);
INSERT INTO users SELECT g, 'user' || g || '@example.org' FROM generate_series(1, 200) g;
INSERT INTO orders SELECT g, g % 200 + 1, 'new', date '2026-01-01' + g % 90 FROM generate_series(1, 500) g;
`,
	"1_tables.down.sql": "DROP TABLE orders, users;\nDROP TYPE state;\n",
	"2_copy.up.sql": "COPY users (id, email) FROM stdin;\n201\tfirst@example.org\n202\tsecond@example.org\n\\.\n" +
		"INSERT INTO orders VALUES (501, 201, 'paid', '2026-02-02');\n",
	"2_copy.down.sql": "DELETE FROM orders WHERE id = 501;\nDELETE FROM users WHERE id IN (201, 202);\n",
	"3_value.up.sql":  "ALTER TYPE state ADD VALUE 'sent';\n",
	"4_indexes.up.sql": `INSERT INTO users VALUES (203, 'third@example.org');
CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_user ON orders (user_id);
CREATE INDEX CONCURRENTLY ON orders (placed);
ALTER TYPE state ADD VALUE 'lost';
UPDATE orders SET state = 'lost' WHERE id = 7;
`,
	"4_indexes.down.sql": `DROP INDEX CONCURRENTLY users_email;
DROP INDEX CONCURRENTLY IF EXISTS orders_user;
DROP INDEX CONCURRENTLY orders_placed_idx;
BEGIN;
UPDATE orders SET state = 'paid' WHERE id = 7;
DELETE FROM users WHERE id = 203;
COMMIT;
`,
	"5_reindex.up.sql": `REINDEX INDEX CONCURRENTLY users_email;
REINDEX TABLE CONCURRENTLY orders;
DROP INDEX CONCURRENTLY orders_user;
`,
	"5_reindex.down.sql": "CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);\n",
	"6_log.up.sql": `BEGIN;
CREATE TABLE log (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE log_old PARTITION OF log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE log_new PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO log SELECT date '2025-12-01' + g, g FROM generate_series(1, 60) g;
COMMIT;
`,
	"6_log.down.sql": "DROP TABLE log;\n",
	"8_refill.up.sql": `CREATE PROCEDURE refill() LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1001..1003 LOOP
    INSERT INTO users VALUES (n, n || '@example.org') ON CONFLICT DO NOTHING;
    COMMIT;
  END LOOP;
END $$;
`,
	"8_refill.down.sql": "DROP PROCEDURE refill();\n",
	"9_call.up.sql":     "VACUUM users;\nCALL refill();\n",
	"9_call.down.sql":   "DELETE FROM users WHERE id > 1000;\n",
	"10_last.up.sql":    "ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT '';\nCOMMENT ON COLUMN users.name IS 'as on the card';\n",
	"10_last.down.sql":  "ALTER TABLE users DROP COLUMN name;\n",
	"R__open.sql":       "CREATE OR REPLACE VIEW open_orders AS SELECT id, user_id FROM orders WHERE state <> 'lost';\n",
}

// Since PostgreSQL 14.
var mixedDetach = map[string]string{
	"7_detach.up.sql":   "ALTER TABLE log DETACH PARTITION log_old CONCURRENTLY;\nVACUUM (ANALYZE) log_new;\n",
	"7_detach.down.sql": "ALTER TABLE log ATTACH PARTITION log_old FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n",
}

// callVersion has a statement that may take effect in part and leaves no trace in the catalog.
const callVersion = "9"

// digests of every row, the same for the same rows in whatever order; by the table that has to be there.
var digests = []struct{ table, query string }{
	{"users", "SELECT count(*) || md5(coalesce(string_agg(u::text, ',' ORDER BY id), '')) FROM users u"},
	{"orders", "SELECT count(*) || md5(coalesce(string_agg(o::text, ',' ORDER BY id), '')) FROM orders o"},
	{"log", "SELECT count(*) || md5(coalesce(string_agg(l::text, ',' ORDER BY n), '')) FROM log l"},
	{"log_old", "SELECT count(*) || md5(coalesce(string_agg(l::text, ',' ORDER BY n), '')) FROM log_old l"},
}

// downTo is where the downs of the matrix end: on their way are all kinds of them.
const downTo = "3"

// writeMixed writes the set into a folder that goes with the test.
func writeMixed(t testing.TB, major int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), rand.Text()[:6])
	require.NoError(t, os.Mkdir(dir, 0o755))
	sets := []map[string]string{mixed}
	if major >= 14 {
		sets = append(sets, mixedDetach)
	}
	for _, set := range sets {
		for name, text := range set {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
	return dir
}

func load(t testing.TB, dir string) []*migrate.Migration {
	t.Helper()
	set, err := source.Load(context.Background(), source.Location{Path: dir}, source.Options{})
	require.NoError(t, err)
	require.Empty(t, set.Warnings)
	return set.Migrations
}

var up = migrate.Request{Direction: migrate.Up}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}
