package source

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
)

// day is when drafts are made.
var day = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func header(t *testing.T, text string) migrate.Header {
	t.Helper()
	h, problems := parseHeader(text, migrate.Up)
	require.Empty(t, problems)
	return h
}

func TestHeader(t *testing.T) {
	h := header(t, "\ufeff-- A title.\n/* more */\n-- kedge: transaction=off lock_timeout=5s  environments=dev,staging\r\n"+
		"--kedge: depends=R__x,0012 statement_timeout=1.5min placeholders=everywhere\n"+
		`-- kedge: allow=data-loss,rewrite reason="it says \"never filled\" \\ empty"`+"\n"+
		"--  kedge: allow=out-of-order reason=late\nSELECT 1;\n-- kedge: transaction=maybe\n")
	require.Equal(t, migrate.Off, h.Transaction)
	require.Equal(t, 5*time.Second, *h.LockTimeout)
	require.Equal(t, 90*time.Second, *h.StatementTimeout)
	require.Equal(t, []string{"dev", "staging"}, h.Environments)
	require.Equal(t, []string{"R__x", "0012"}, h.Depends)
	require.True(t, *h.Placeholders)
	require.True(t, h.Everywhere)
	reason := `it says "never filled" \ empty`
	require.Equal(t, []migrate.Allowance{{Hazard: "data-loss", Reason: reason}, {Hazard: "rewrite", Reason: reason}, {Hazard: "out-of-order", Reason: "late"}}, h.Allow)

	require.Equal(t, migrate.Header{}, header(t, "-- kedges are light anchors\n-- about kedge: none\nSELECT 1;"))
	require.Equal(t, migrate.On, header(t, "-- kedge: transaction=on").Transaction)
	require.Equal(t, migrate.Auto, header(t, "-- kedge: transaction=auto").Transaction)
	require.False(t, *header(t, "-- kedge: placeholders=off").Placeholders)
	require.True(t, *header(t, "-- kedge: placeholders=on").Placeholders)
	require.Zero(t, *header(t, "-- kedge: lock_timeout=0").LockTimeout)
	require.Equal(t, []string{"a", "b c"}, header(t, `-- kedge: environments="a, b c,a"`).Environments)
}

func TestHeaderProblems(t *testing.T) {
	for text, want := range map[string]string{
		"-- kedge: transacton=off":                           `1:11: unknown key "transacton": did you mean transaction?`,
		"\n\n  -- kedge: lock_timeout=5s env=dev":            `3:29: unknown key "env": did you mean`,
		"-- kedge: transaction":                              `1:11: "transaction": expected key=value`,
		"-- kedge: =x":                                       "expected key=value",
		"-- kedge: transaction=":                             "transaction has no value",
		"-- kedge: transaction= off":                         "transaction has no value",
		"-- kedge: transaction=maybe":                        `"maybe" is none of on, off and auto`,
		"-- kedge: placeholders=yes":                         `"yes" is none of on, off and everywhere`,
		"-- kedge: lock_timeout=5":                           `"5" is no duration`,
		"-- kedge: lock_timeout=5 parsecs":                   `"parsecs": expected key=value`,
		"-- kedge: lock_timeout=1.2.3s":                      "is no duration",
		"-- kedge: lock_timeout=9999d":                       "at most 24 days",
		"-- kedge: lock_timeout=-5s":                         "is no duration",
		"-- kedge: environments=dev,,ci":                     "an empty item",
		"-- kedge: allow=data-loss":                          "allow needs a reason",
		`-- kedge: allow=data-loss reason=" "`:               "allow needs a reason",
		"-- kedge: allow=,":                                  "an empty item",
		"-- kedge: reason=why":                               "reason stands without an allow",
		`-- kedge: reason="open`:                             "the quote is not closed",
		`-- kedge: reason="a"b`:                              "expected a space after the closing quote",
		"-- kedge: transaction=on\n-- kedge: transaction=on": "2:11: transaction is given twice",
	} {
		_, problems := parseHeader(text, migrate.Up)
		require.NotEmpty(t, problems, text)
		place := make([]string, 0, len(problems))
		for _, p := range problems {
			place = append(place, Problem{Line: p.line, Column: p.column, Message: p.Error()}.Error())
		}
		require.Contains(t, strings.Join(place, "\n"), want, text)
	}
	_, problems := parseHeader("-- kedge: environments=dev depends=R__x lock_timeout=1s", migrate.Down)
	require.Len(t, problems, 2)
	require.Contains(t, problems[0].message, "belongs in the up script")
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500us": 500 * time.Microsecond, "250ms": 250 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "2m": 2 * time.Minute,
		"2min": 2 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour, "0": 0, "0s": 0,
	} {
		d, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, d, text)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("-- kedge: transaction=off allow=x reason=\"y\"\nSELECT 1;")
	f.Add("/* -- kedge: a */ -- kedge: =\n--kedge:b=\"")
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := parseHeader(text, migrate.Up)
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			require.GreaterOrEqual(t, p.line, 1)
			require.LessOrEqual(t, p.line, lines)
			require.GreaterOrEqual(t, p.column, 1)
			require.LessOrEqual(t, p.column, len(strings.Split(text, "\n")[p.line-1])+1)
			require.NotEmpty(t, p.message)
		}
	})
}
