package environments

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// project writes files below a new folder and returns it.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

func configError(t testing.TB, err error) *ConfigError {
	t.Helper()
	var config *ConfigError
	require.ErrorAs(t, err, &config)
	return config
}

// none is an environment without variables.
var none = []string{}

func TestNothingButURLAndSourceIsNeeded(t *testing.T) {
	dir := t.TempDir()
	p, err := Load(Options{Dir: dir, URL: "postgres://u:secret@h:1/d", Source: "migrations", Environ: none})
	require.NoError(t, err)
	require.Equal(t, dir, p.Root)
	require.Empty(t, p.File)
	require.Equal(t, filepath.Join(dir, "migrations"), p.Migrations)
	require.Equal(t, "kedge", p.HistorySchema)
	require.Empty(t, p.Environment.Name)
	require.Equal(t, 2*time.Second, p.Environment.LockTimeout)
	require.Equal(t, 5*time.Minute, p.Environment.LockRetry)
	cfg, err := p.Environment.ConnConfig(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "h", cfg.Host)
	require.Equal(t, "secret", cfg.Password)
	require.Equal(t, "kedge", cfg.RuntimeParams["application_name"])
	require.Equal(t, 15*time.Second, cfg.ConnectTimeout)
}

func TestNoDatabaseIsAnErrorOnlyForThoseWhoConnect(t *testing.T) {
	p, err := Load(Options{Dir: t.TempDir(), Environ: none})
	require.NoError(t, err)
	require.Empty(t, p.Migrations)
	require.Equal(t, "dev", p.Environment.Name)
	_, err = p.Environment.ConnConfig(t.Context(), nil)
	require.Contains(t, configError(t, err).Hint, "--url")
}

const everything = `
migrations: db/migrations
snapshot: db/snapshot
environments: envs
default_environment: staging
format: flyway
history: {schema: ops}
lint: {rules: {add-not-null: "off", rename: error}}
postgres: {version: 17, bin: /opt/pg}
lock_timeout: 3s
placeholders: {retention: 30 days, CaseKept: a}
settings: {work_mem: 1MB}
drift.ignore_not_a_key: 1
`

func TestEveryKeyIsReadFromTheProject(t *testing.T) {
	dir := project(t, map[string]string{
		"kedge.yaml": everything[:len(everything)-len("drift.ignore_not_a_key: 1\n")] + "quiet: true\n",
		"envs/staging.yaml": `
url: ${STAGING}
protected: true
role: owner
search_path: app, public
lock_timeout: 1500ms
lock_retry: 1min
statement_timeout: 1d
connect_timeout: 1s
refresh_snapshot: yes
placeholders: {retention: "90 days", n: 7}
settings: {timezone: "Europe/Zurich"}
throttle: {replication_lag: 200ms}
drift: {ignore: [{kind: table, name: "partman.*", reason: "made by pg_partman", until: 2027-01-01}]}
`,
	})
	sub := filepath.Join(dir, "db", "deep")
	require.NoError(t, os.MkdirAll(sub, 0o755))
	p, err := Load(Options{Dir: sub, Environ: []string{"STAGING=postgres://h/d"}, FlagNames: []string{"quiet"}})
	require.NoError(t, err)
	require.Equal(t, dir, p.Root)
	require.Equal(t, filepath.Join(dir, "db", "migrations"), p.Migrations)
	require.Equal(t, filepath.Join(dir, "db", "snapshot"), p.Snapshot)
	require.Equal(t, filepath.Join(dir, "envs"), p.EnvironmentsDir)
	require.Equal(t, "flyway", p.Format)
	require.Equal(t, "ops", p.HistorySchema)
	require.Equal(t, Postgres{Major: 17, Bin: "/opt/pg"}, p.Postgres)
	require.Equal(t, map[string]string{"add-not-null": "off", "rename": "error"}, p.Lint.Rules)
	quiet, ok := p.Flag("quiet")
	require.True(t, ok)
	require.Equal(t, "true", quiet)
	_, ok = p.Flag("no-color")
	require.False(t, ok)
	names, err := p.EnvironmentNames()
	require.NoError(t, err)
	require.Equal(t, []string{"staging"}, names)

	e := p.Environment
	require.Equal(t, "staging", e.Name)
	require.Equal(t, "staging", e.Database())
	require.Equal(t, filepath.Join(dir, "envs", "staging.yaml"), e.File)
	require.True(t, e.Protected)
	require.True(t, e.RefreshSnapshot)
	require.Equal(t, "owner", e.Role)
	require.Equal(t, "app, public", e.SearchPath)
	require.Equal(t, 1500*time.Millisecond, e.LockTimeout)
	require.Equal(t, time.Minute, e.LockRetry)
	require.Equal(t, 24*time.Hour, e.StatementTimeout)
	require.Equal(t, time.Second, e.ConnectTimeout)
	require.Equal(t, 200*time.Millisecond, e.Throttle.ReplicationLag)
	require.Equal(t, map[string]string{"retention": "90 days", "CaseKept": "a", "n": "7"}, e.Placeholders)
	require.Equal(t, map[string]string{"work_mem": "1MB", "timezone": "Europe/Zurich"}, e.Settings)
	require.Len(t, e.Drift.Ignore, 1)
	ignore := e.Drift.Ignore[0]
	require.Equal(t, "table", ignore.Kind)
	require.Equal(t, 14, ignore.Line)
	require.False(t, ignore.Expired(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)))
	require.True(t, ignore.Expired(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
}

func TestPrecedence(t *testing.T) {
	dir := project(t, map[string]string{
		"kedge.yaml":            "lock_timeout: 2s\nhistory: {schema: file}\n",
		"environments/dev.yaml": "url: embedded\nlock_timeout: 3s\n",
	})
	lockTimeout := func(opt Options) time.Duration {
		opt.Dir = dir
		p, err := Load(opt)
		require.NoError(t, err)
		return p.Environment.LockTimeout
	}
	require.Equal(t, 3*time.Second, lockTimeout(Options{Environ: none}))
	require.Equal(t, 4*time.Second, lockTimeout(Options{Environ: []string{"KEDGE_LOCK_TIMEOUT=4s"}}))
	require.Equal(t, 5*time.Second, lockTimeout(Options{Environ: []string{"KEDGE_LOCK_TIMEOUT=4s"}, Flags: map[string]string{"lock-timeout": "5s", "no-key": "x"}}))
	require.Equal(t, 2*time.Second, lockTimeout(Options{Environ: []string{"KEDGE_URL=postgres://h/d"}}), "no environment's file")

	p, err := Load(Options{Dir: dir, Environ: []string{"KEDGE_HISTORY_SCHEMA=variable", "KEDGE_SOURCE=elsewhere"}})
	require.NoError(t, err)
	require.Equal(t, "variable", p.HistorySchema)
	require.Equal(t, filepath.Join(dir, "elsewhere"), p.Migrations)
	require.True(t, p.Environment.Embedded())
}

func TestADatabaseNamedByItsURLHasNoEnvironmentUnlessOneIsNamed(t *testing.T) {
	dir := project(t, map[string]string{
		"kedge.yaml":            "placeholders: {who: all}\n",
		"environments/dev.yaml": "url: embedded\nplaceholders: {who: dev}\n",
	})
	load := func(opt Options) *Environment {
		opt.Dir = dir
		if opt.Environ == nil {
			opt.Environ = none
		}
		p, err := Load(opt)
		require.NoError(t, err)
		return p.Environment
	}
	e := load(Options{URL: "postgres://h/d"})
	require.Empty(t, e.Name)
	require.Equal(t, "all", e.Placeholders["who"])
	require.False(t, e.Embedded())
	e = load(Options{URL: "postgres://h/d", Env: "dev"})
	require.Equal(t, "dev", e.Placeholders["who"])
	require.False(t, e.Embedded())
	e = load(Options{URL: "postgres://h/d", Env: "unheard-of"})
	require.Equal(t, "unheard-of", e.Name)
	e = load(Options{Environ: []string{"KEDGE_ENV=dev"}})
	require.True(t, e.Embedded())
	e = load(Options{URL: "embedded"})
	require.Equal(t, "dev", e.Database())
}

func TestConfigurationErrorsNameFileLineAndNearestKey(t *testing.T) {
	for name, c := range map[string]struct {
		project, environment string
		file                 string
		line                 int
		key, message, hint   string
	}{
		"typo":                     {project: "\nmigratons: x\n", file: "kedge.yaml", line: 2, key: "migratons", message: `unknown key "migratons"`, hint: `did you mean "migrations"?`},
		"typo in a group":          {project: "history:\n  shema: x\n", file: "kedge.yaml", line: 2, key: "history.shema", message: "unknown key", hint: `"history.schema"`},
		"typo in an environment":   {environment: "url: embedded\nlock_timout: 2s\n", file: "environments/dev.yaml", line: 2, key: "lock_timout", message: "unknown key", hint: `"lock_timeout"`},
		"flag misspelt":            {project: "quite: true\n", file: "kedge.yaml", line: 1, key: "quite", message: "unknown key", hint: `"quiet"`},
		"flag with a key":          {project: "source: x\n", file: "kedge.yaml", line: 1, key: "source", message: "unknown key", hint: `"migrations"`},
		"choosing flag":            {project: "env: x\n", file: "kedge.yaml", line: 1, key: "env", message: "unknown key", hint: `"default_environment"`},
		"alias":                    {project: "settings: &s {a: b}\nplaceholders: *s\nhistory: *s\n", file: "kedge.yaml", line: 1, key: "history.a", message: "unknown key"},
		"nothing near":             {project: "zzzzzzzz: x\n", file: "kedge.yaml", line: 1, key: "zzzzzzzz", message: "unknown key"},
		"project key":              {environment: "migrations: x\n", file: "environments/dev.yaml", line: 1, key: "migrations", message: "belongs in kedge.yaml", hint: "move"},
		"duration":                 {environment: "a: &x 1\n", file: "environments/dev.yaml", line: 1, key: "a", message: "unknown key"},
		"no duration":              {environment: "lock_timeout: 5\n", file: "environments/dev.yaml", line: 1, key: "lock_timeout", message: `"5" is no duration`, hint: "2s"},
		"negative duration":        {environment: "lock_timeout: -5s\n", file: "environments/dev.yaml", line: 1, key: "lock_timeout", message: "no duration"},
		"days":                     {environment: "lock_timeout: xd\n", file: "environments/dev.yaml", line: 1, key: "lock_timeout", message: "no duration"},
		"no boolean":               {environment: "protected: perhaps\n", file: "environments/dev.yaml", line: 1, key: "protected", message: "neither true nor false"},
		"no number":                {project: "postgres: {version: new}\n", file: "kedge.yaml", line: 1, key: "postgres.version", message: "no number"},
		"old version":              {project: "postgres: {version: 9}\n", file: "kedge.yaml", line: 1, key: "postgres.version", message: "too old"},
		"severity":                 {project: "lint: {rules: {x: loud}}\n", file: "kedge.yaml", line: 1, key: "lint.rules", message: `"loud" is no severity`, hint: "notice"},
		"empty schema":             {project: `history: {schema: ""}`, file: "kedge.yaml", line: 1, key: "history.schema", message: "empty"},
		"syntax":                   {project: "migrations: x\n  y: : z\n", file: "kedge.yaml", line: 2, message: "not valid YAML"},
		"second syntax":            {project: "migrations: x\n---\na: [\n", file: "kedge.yaml", line: 3, message: "not valid YAML"},
		"two documents":            {project: "migrations: x\n---\nsnapshot: y\n", file: "kedge.yaml", message: "second document"},
		"twice":                    {project: "migrations: x\nmigrations: y\n", file: "kedge.yaml", line: 2, key: "migrations", message: "set twice, first in line 1"},
		"list":                     {project: "[a, b]\n", file: "kedge.yaml", line: 1, message: "a list of `key: value` is expected"},
		"list for a value":         {project: "migrations: [a]\n", file: "kedge.yaml", line: 1, key: "migrations", message: "takes one value"},
		"list for a flag":          {project: "quiet: [a]\n", file: "kedge.yaml", line: 1, key: "quiet", message: "takes one value"},
		"value for a group":        {project: "history: x\n", file: "kedge.yaml", line: 1, key: "history", message: "takes `name: value` pairs"},
		"value for a mapping":      {project: "placeholders: x\n", file: "kedge.yaml", line: 1, key: "placeholders", message: "takes `name: value` pairs"},
		"mapping in a mapping":     {project: "placeholders: {a: {b: c}}\n", file: "kedge.yaml", line: 1, key: "placeholders", message: "placeholders.a takes one value"},
		"mapping for a key":        {project: "{[a]: b}\n", file: "kedge.yaml", line: 1, message: "a key is a name"},
		"undefined variable":       {environment: "url: embedded\nrole: ${NOBODY_SET_THIS}\n", file: "environments/dev.yaml", line: 2, key: "role", message: "NOBODY_SET_THIS is not set", hint: ":-"},
		"undefined in placeholder": {environment: "placeholders: {a: '${NOBODY}'}\n", file: "environments/dev.yaml", line: 1, key: "placeholders", message: "NOBODY is not set"},
		"not a variable":           {environment: "role: ${1 + 1}\n", file: "environments/dev.yaml", line: 1, key: "role", message: "names no environment variable"},
		"two urls":                 {environment: "url: a\nurl_file: b\n", file: "environments/dev.yaml", line: 2, key: "url_file", message: "both set"},
		"ignore without a reason":  {environment: "drift: {ignore: [{kind: table}]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "needs a reason"},
		"ignore everything":        {environment: "drift: {ignore: [{reason: x}]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "what it is about"},
		"ignore with a typo":       {environment: "drift: {ignore: [{knd: x}]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: `unknown key "knd"`, hint: `"kind"`},
		"ignore until":             {environment: "drift: {ignore: [{kind: x, reason: y, until: soon}]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "no date"},
		"ignore value":             {environment: "drift: {ignore: [{kind: [x]}]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "takes one value"},
		"ignore no list":           {environment: "drift: {ignore: x}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "takes a list"},
		"ignore no mapping":        {environment: "drift: {ignore: [x]}\n", file: "environments/dev.yaml", line: 1, key: "drift.ignore", message: "pairs"},
		"no such default":          {project: "default_environment: ../up\n", file: "kedge.yaml", line: 1, key: "default_environment", message: "letters, digits"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := project(t, map[string]string{"kedge.yaml": c.project, "environments/dev.yaml": c.environment})
			_, err := Load(Options{Dir: dir, Environ: none, FlagNames: []string{"quiet", "env", "source"}})
			got := configError(t, err)
			require.Equal(t, filepath.Join(dir, filepath.FromSlash(c.file)), got.File)
			require.Equal(t, c.line, got.Line)
			require.Equal(t, c.key, got.Key)
			require.Contains(t, got.Message, c.message)
			require.Contains(t, got.Hint, c.hint)
			require.Contains(t, err.Error(), got.Message)
		})
	}
}

func TestErrorsInFlagsAndVariablesNameThem(t *testing.T) {
	_, err := Load(Options{Dir: t.TempDir(), Environ: []string{"KEDGE_LOCK_TIMEOUT=soon"}})
	require.Equal(t, "KEDGE_LOCK_TIMEOUT", configError(t, err).File)
	_, err = Load(Options{Dir: t.TempDir(), Environ: none, Flags: map[string]string{"lock-timeout": "soon"}})
	require.Equal(t, "--lock-timeout", configError(t, err).File)
}

func TestEnvironmentsThatAreNotThere(t *testing.T) {
	dir := project(t, map[string]string{
		"kedge.yaml":                   "default_environment: gone\n",
		"environments/production.yaml": "url: ${DATABASE_URL}\n",
		"environments/dev.yaml":        "",
		"environments/notes.txt":       "",
	})
	_, err := Load(Options{Dir: dir, Env: "prodution", Environ: none})
	require.Contains(t, configError(t, err).Hint, `did you mean "production"?`)
	_, err = Load(Options{Dir: dir, Environ: []string{"KEDGE_ENV=zzzzzzzzz"}})
	require.Contains(t, configError(t, err).Hint, "there are dev, production")
	_, err = Load(Options{Dir: dir, Env: "../x", URL: "postgres://h/d", Environ: none})
	require.ErrorContains(t, err, "letters, digits")
	_, err = Load(Options{Dir: t.TempDir(), Env: "x", Environ: none})
	require.ErrorContains(t, err, "give --url")

	p, err := Load(Options{Dir: dir, Environ: none})
	require.NoError(t, err, "commands without a database work")
	_, err = p.Environment.ConnConfig(t.Context(), nil)
	configError(t, err)

	p, err = Load(Options{Dir: dir, Env: "dev", Environ: none})
	require.NoError(t, err)
	_, err = p.Environment.ConnConfig(t.Context(), nil)
	require.Contains(t, configError(t, err).Message, `environment "dev" has no url`)
	same, err := p.Named("dev")
	require.NoError(t, err)
	require.Same(t, p.Environment, same)
	production, err := p.Named("production")
	require.NoError(t, err, "its variable is asked for when it is connected to")
	_, err = production.ConnConfig(t.Context(), nil)
	got := configError(t, err)
	require.Contains(t, got.Message, "DATABASE_URL is not set")
	require.Equal(t, 1, got.Line)
	require.False(t, production.Embedded())
	_, err = p.Named("nowhere")
	require.ErrorContains(t, err, "env:nowhere")
}

func TestProjectFolder(t *testing.T) {
	dir := project(t, map[string]string{"sub/kedge.yaml": "migrations: file://x\n"})
	p, err := Load(Options{Dir: dir, Project: "sub", Environ: none})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "sub"), p.Root)
	require.Equal(t, "file://x", p.Migrations)
	_, err = Load(Options{Dir: dir, Project: filepath.Join(dir, "elsewhere"), Environ: none})
	require.Contains(t, configError(t, err).Message, "no such file")
	_, err = Load(Options{Dir: project(t, map[string]string{"kedge.yaml": ""}), Environ: nil})
	require.NoError(t, err, "an empty file, the process's variables")
}

func TestURLFile(t *testing.T) {
	dir := project(t, map[string]string{
		"kedge.yaml":            "url: postgres://weaker/d",
		"environments/dev.yaml": "url_file: ${PLACE:-secrets/url}",
		"secrets/url":           "postgres://fromfile/d\n",
		"two":                   "a\nb\n",
	})
	config := func(environ ...string) (string, error) {
		p, err := Load(Options{Dir: dir, Environ: append(environ, "HOME=/nowhere"), Env: "dev"})
		require.NoError(t, err)
		cfg, err := p.Environment.ConnConfig(t.Context(), nil)
		if err != nil {
			return "", err
		}
		return cfg.Host, nil
	}
	host, err := config()
	require.NoError(t, err)
	require.Equal(t, "fromfile", host)
	host, err = config("KEDGE_URL=postgres://variable/d")
	require.NoError(t, err)
	require.Equal(t, "variable", host)
	_, err = config("PLACE=two")
	require.ErrorContains(t, err, "one line")
	_, err = config("KEDGE_URL_FILE=nowhere")
	require.Equal(t, "KEDGE_URL_FILE", configError(t, err).File)
	_, err = config("KEDGE_URL_FILE=${NOWHERE}")
	require.ErrorContains(t, err, "NOWHERE is not set")
	_, err = config("KEDGE_URL=${EMPTY}", "EMPTY=")
	require.ErrorContains(t, err, "is empty")
}

func TestLibpqVariablesNameADatabase(t *testing.T) {
	t.Setenv("PGHOST", "from-variable")
	t.Setenv("PGCONNECT_TIMEOUT", "3")
	p, err := Load(Options{Dir: t.TempDir()})
	require.NoError(t, err)
	cfg, err := p.Environment.ConnConfig(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "from-variable", cfg.Host)
	require.Equal(t, 3*time.Second, cfg.ConnectTimeout)
}

func TestServiceAndPasswordFiles(t *testing.T) {
	dir := project(t, map[string]string{
		"service": "[shop]\nhost=service-host\nuser=carl\ndbname=shop\n",
		"pgpass":  "service-host:5432:shop:carl:from-pgpass\n",
	})
	t.Setenv("PGSERVICEFILE", filepath.Join(dir, "service"))
	t.Setenv("PGPASSFILE", filepath.Join(dir, "pgpass"))
	cfg, err := ParseURL("service=shop")
	require.NoError(t, err)
	require.Equal(t, "service-host", cfg.Host)
	require.Equal(t, "from-pgpass", cfg.Password)
}

func TestURLsThatCannotBeRead(t *testing.T) {
	for url, message := range map[string]string{
		"mysql://u:hunter22@h/d":                "no PostgreSQL URL",
		"postgres://u:hunt%zzer22@h/d":          "hexadecimal",
		"postgres://u:hunter/22@h/d":            "cannot be read",
		"postgres://u:123/hunter22@h/d":         "cannot be read",
		"postgres://u:hunter22@h:port/d":        "cannot be read",
		"host=h password=hunter22 port=hunt":    "cannot be read",
		"host=h sslmode=hunt":                   "sslmode",
		"host='h password=hunter22":             "cannot be read",
		"postgres://u:hunter22@h/d?sslmode=odd": "cannot be read",
	} {
		_, err := ParseURL(url)
		config := configError(t, err)
		require.Contains(t, config.Message, message, url)
		require.NotContains(t, err.Error(), "hunter", url)
		require.NotContains(t, err.Error(), "22", url)
	}
	dir := project(t, map[string]string{"environments/dev.yaml": "\nurl: postgres://u:p%zz@h/d\n"})
	p, err := Load(Options{Dir: dir, Environ: none})
	require.NoError(t, err)
	_, err = p.Environment.ConnConfig(t.Context(), nil)
	require.Equal(t, 2, configError(t, err).Line)
	cfg, err := ParseURL("postgres://u:a@h1,h2/d?application_name=mine")
	require.NoError(t, err)
	require.Equal(t, "mine", cfg.RuntimeParams["application_name"])
}

func TestExpand(t *testing.T) {
	environ := map[string]string{"A": "1", "EMPTY": ""}
	for in, want := range map[string]string{
		"plain": "plain", "${A}": "1", "x${A}y${A}": "x1y1", "$A": "$A", "$${A}": "${A}", "${B:-z}": "z", "${EMPTY:-z}": "z",
		"${EMPTY}": "", "${A:-z}": "1", "${B:-}": "",
	} {
		got, err := expand(in, environ)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
}

func TestEveryKeyIsInTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/environments.md")
	require.NoError(t, err)
	for _, k := range keys {
		require.Contains(t, string(guide), "| `"+k.name+"` |", "docs/environments.md has a line for every key")
		require.Contains(t, string(guide), k.about)
	}
}

func FuzzConfiguration(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("drift: {ignore: [{kind: table, name: \"partman.*\", reason: x, until: 2027-01-01}]}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := parseLayer("kedge.yaml", content, true, nil)
		if err != nil {
			require.NotEmpty(t, configError(t, err).Message)
			return
		}
		p := &Project{opt: Options{Dir: "/x"}, Root: "/x", file: l, environ: map[string]string{}, over: newLayer(""), flag: newLayer("")}
		if err := p.settle(); err != nil {
			configError(t, err)
		}
		if e, err := p.environment("dev"); err != nil {
			configError(t, err)
		} else if _, err := e.url(); err != nil {
			configError(t, err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		_, err := Load(Options{Dir: "..", Environ: none})
		require.NoError(b, err)
	}
}
