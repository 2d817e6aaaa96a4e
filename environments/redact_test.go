package environments

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://carl:hunter2@host:5432/shop":            "postgres://carl:***@host:5432/shop",
		"cannot parse `postgres://u:p@ss/w:rd@h/d`: no":     "cannot parse `postgres://u:***@h/d`: no",
		"postgres://u:@h/d":                                 "postgres://u:@h/d",
		"postgres://h/d?user=u&password=hunter2&sslmode=no": "postgres://h/d?user=u&password=***&sslmode=no",
		"host=h password=hunter2 dbname=d":                  "host=h password=*** dbname=d",
		`host=h password = 'hun\'ter 2' dbname=d`:           `host=h password = *** dbname=d`,
		"sslpassword=a":                                     "sslpassword=***",
		"PGPASSWORD=hunter2 psql":                           "PGPASSWORD=*** psql",
		"postgres://user@host:5432/d":                       "postgres://user@host:5432/d",
		"postgres://host:5432/d":                            "postgres://host:5432/d",
		"mail me@example.org: nothing to hide":              "mail me@example.org: nothing to hide",
		"":                                                  "",
	} {
		require.Equal(t, want, Redact(in), in)
	}
	require.Equal(t, "said ***!", redactSecret("said hunter2!", "hunter2"))
	require.Equal(t, "a bad apple", redactSecret("a bad apple", "a"))
}

// marker stands in every password of the fuzz test; nothing else of a text has it.
const marker = "S3cr3t"

func FuzzRedact(f *testing.F) {
	f.Add("", "")
	f.Add("p@ss", "/w:rd")
	f.Add("'", `\`)
	f.Add("%", "&")
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := before + marker + after
		texts := []string{
			(&url.URL{Scheme: "postgres", User: url.UserPassword("carl", secret), Host: "h:1", Path: "/d"}).String(),
			"postgres://h/d?" + url.Values{"user": {"carl"}, "password": {secret}}.Encode(),
			"host=h password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "' dbname=d",
		}
		if !strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r == 0x85 || r == 0xA0 || r > 0x7e }) {
			// Not escaped, as people write it.
			texts = append(texts, "postgres://carl:"+secret+"@h:1/d")
			if !strings.ContainsAny(secret, `'\&`) {
				texts = append(texts, "host=h password="+secret+" dbname=d", "PGPASSWORD="+secret)
			}
		}
		for _, text := range texts {
			got := Redact("connecting to " + text + ": failed")
			require.NotContains(t, got, marker, text)
			require.Contains(t, got, "***")
			require.Equal(t, got, Redact(got), "redacting twice changes nothing")
			if _, err := ParseURL(text); err != nil {
				require.NotContains(t, err.Error(), marker)
			}
		}
	})
}
