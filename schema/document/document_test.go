package document_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
	"github.com/kedgedb/kedge/schema/document"
)

const shop = `
COMMENT ON SCHEMA public IS 'the shop';
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE users (
	user_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, shout text GENERATED ALWAYS AS (upper(email)) STORED,
	boss bigint REFERENCES users);
COMMENT ON TABLE users IS 'who | signs *in*';
COMMENT ON COLUMN users.email IS 'Receives mail. [personal: contact]';
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (user_id = 1);
CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users, about text DEFAULT 'nothing');
CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, s status DEFAULT 'new');
CREATE INDEX orders_user ON orders (user_id);
CREATE TABLE ledger (id bigint, at date, order_id bigint REFERENCES orders, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE ledger_2026 PARTITION OF ledger FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE SCHEMA other;
CREATE TABLE other."<script>alert(1)</script>" ("a""b" int, rtl text);
CREATE TABLE other.a (b_id int PRIMARY KEY, FOREIGN KEY (b_id) REFERENCES other.a);
CREATE TABLE other.ring (id int PRIMARY KEY, back int);
CREATE TABLE other.ring_too (id int PRIMARY KEY REFERENCES other.ring);
ALTER TABLE other.ring ADD FOREIGN KEY (back) REFERENCES other.ring_too;
CREATE VIEW v AS SELECT email FROM users;
COMMENT ON VIEW v IS 'only mail';
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f();
`

func model(t *testing.T, sql string) *schema.Model {
	t.Helper()
	db := pgtest.New(t)
	db.Exec(sql)
	m, err := catalog.Read(t.Context(), db.Connect(t.Context()), catalog.Options{})
	require.NoError(t, err)
	m.Database = "shop"
	return m
}

func TestMarkdownTellsEverythingAboutATable(t *testing.T) {
	text, err := document.Markdown(model(t, shop))
	require.NoError(t, err)
	for _, want := range []string{
		"# Schema of shop", "the shop", "```mermaid\nerDiagram", `who \| signs \*in\*`,
		"| email | `text` |  |  | UK | contact | Receives mail. \\[personal: contact\\] |",
		"| user\\_id | `bigint` |  | `identity` | PK |", "`generated: upper(email)`",
		"- user\\_id refers to [public.users](#public-users) \\(user\\_id\\)", "- referred to by [public.orders](#public-orders) \\(user\\_id\\)",
		"Row security is on.", "Partitioned by `RANGE (at)`: 1 partitions.", "CREATE INDEX orders_user", "CREATE TRIGGER touched", "CREATE POLICY own",
		"### Views in public", "only mail", "### Enum types in public", "### Domains in public", "### Functions in public",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "<script>")
	require.NotContains(t, text, "ledger_2026\n")
	require.NotContains(t, text, "users\\_user\\_id\\_seq")
	require.Less(t, strings.Index(text, "| user\\_id"), strings.Index(text, "| email"), "columns stand in their order")
}

func TestMermaidDrawsBothEnds(t *testing.T) {
	text, err := document.Mermaid(model(t, shop))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, "erDiagram\n"))
	require.Contains(t, text, `"public.users" ||--o{ "public.orders" : "user_id"`)
	require.Contains(t, text, `"public.users" |o--o{ "public.users" : "boss"`)
	require.Contains(t, text, `"public.users" ||--o| "public.profiles" : "user_id"`)
	require.Contains(t, text, "bigint user_id PK")
	require.Contains(t, text, "bigint user_id PK, FK\n")
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else {
			require.NoError(t, err)
		}
	}
}

func TestSVGIsWellFormedAtAnySize(t *testing.T) {
	text, err := document.SVG(model(t, shop))
	require.NoError(t, err)
	wellFormed(t, text)
	require.NotContains(t, text, "<script>")
	require.Contains(t, text, "&lt;script&gt;")

	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "CREATE TABLE t%d (id int PRIMARY KEY, up int REFERENCES t%d, plain text);\n", i, max(0, i/3))
	}
	large, err := document.SVG(model(t, "CREATE SCHEMA s;"+many.String()))
	require.NoError(t, err)
	wellFormed(t, large)
	require.Equal(t, 300, strings.Count(large, `class="table"`))
	require.NotContains(t, large, ">plain<", "only key columns, with so many tables")

	empty, err := document.SVG(schema.NewModel(15))
	require.NoError(t, err)
	wellFormed(t, empty)
}

func TestNoTwoTablesOverlap(t *testing.T) {
	text, err := document.SVG(model(t, shop))
	require.NoError(t, err)
	type rect struct{ x, y, w, h float64 }
	var boxes []rect
	for _, part := range strings.Split(text, `<rect class="body"`)[1:] {
		var r rect
		_, err := fmt.Sscanf(part, ` x="%f" y="%f" width="%f" height="%f"`, &r.x, &r.y, &r.w, &r.h)
		require.NoError(t, err)
		for _, o := range boxes {
			require.False(t, r.x < o.x+o.w && o.x < r.x+r.w && r.y < o.y+o.h && o.y < r.y+r.h, "%v and %v", r, o)
		}
		boxes = append(boxes, r)
	}
	require.Len(t, boxes, 8)
}

func TestTheSameModelIsDrawnTheSame(t *testing.T) {
	m := model(t, shop)
	for _, draw := range []func(*schema.Model) (string, error){document.Markdown, document.Mermaid, document.SVG, document.HTML} {
		one, err := draw(m)
		require.NoError(t, err)
		two, err := draw(m)
		require.NoError(t, err)
		require.Equal(t, one, two)
	}
}

func TestHTMLNeedsNoNetworkAndTrustsNoName(t *testing.T) {
	text, err := document.HTML(model(t, shop))
	require.NoError(t, err)
	require.NotContains(t, text, "<script>alert")
	require.NotContains(t, strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, ""), "http://")
	require.NotContains(t, text, "https://")
	require.Contains(t, text, `<section class="table" id="public-users"`)
	require.Contains(t, text, "personal: contact")
}

// TestHTMLInABrowser searches the page in a real headless browser: the script
// runs, the table that does not match is hidden, the diagram is fitted.
func TestHTMLInABrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium is installed")
	}
	text, err := document.HTML(model(t, shop))
	require.NoError(t, err)
	probe := `<script>addEventListener("load", () => {
		const search = document.getElementById("search");
		search.value = "contact"; search.dispatchEvent(new Event("input"));
		document.title = "hidden=" + document.querySelectorAll("section.hidden").length + " shown=" + document.querySelectorAll("section.table:not(.hidden)").length
			+ " transform=" + document.querySelector("#stage svg").style.transform;
	});</script></body>`
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	require.NoError(t, os.WriteFile(page, []byte(strings.Replace(text, "</body>", probe, 1)), 0o644))
	out, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--window-size=390,844", "--dump-dom", "file://"+page).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "<title>hidden=7 shown=1 transform=translate(")
}
