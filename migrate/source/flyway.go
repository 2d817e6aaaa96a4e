package source

import (
	"path"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// flyway reads V1.2__name.sql, U1.2__name.sql (its undo), R__name.sql
// (repeatable) and B5__name.sql (baseline), and finds its SQL callbacks
// (documentation.red-gate.com/flyway, "Migrations" and "Callback Events").
type flyway struct{}

func (flyway) Name() string { return "flyway" }

func (f flyway) Detect(folder *Folder) int {
	return count(folder.Files, func(name string) bool {
		_, problem := f.parse(path.Base(name))
		return problem == ""
	})
}

func (f flyway) Read(folder *Folder) Reading {
	rest, hooks := takeCallbacks(folder)
	var settings []string
	rest.Other = nil
	for _, name := range folder.Other {
		if script, ok := strings.CutSuffix(name, ".conf"); ok && slices.Contains(folder.Files, script) {
			settings = append(settings, name)
			continue
		}
		rest.Other = append(rest.Other, name)
	}
	r := readNames(rest, f.parse)
	r.Hooks = hooks
	for _, name := range settings {
		f.configure(folder, &r, name)
	}
	return r
}

// takeCallbacks parts a folder's callbacks from its migrations.
func takeCallbacks(folder *Folder) (*Folder, []HookFile) {
	rest := *folder
	rest.Files = nil
	var hooks []HookFile
	for _, name := range folder.Files {
		if event, title, ok := flywayCallback(path.Base(name)); ok {
			hooks = append(hooks, HookFile{Event: event, Name: title, Path: name})
			continue
		}
		rest.Files = append(rest.Files, name)
	}
	slices.SortStableFunc(hooks, func(a, b HookFile) int { return strings.Compare(a.Name, b.Name) })
	return &rest, hooks
}

// configure reads a script's configuration file, V1__a.sql.conf ("Script
// Configuration" in Flyway's documentation).
func (flyway) configure(folder *Folder, r *Reading, name string) {
	text, ok := r.text(folder, name)
	if !ok {
		return
	}
	i := slices.IndexFunc(r.Units, func(u Unit) bool { return u.Path == strings.TrimSuffix(name, ".conf") })
	if i < 0 { // of a callback, or of a file whose name is a problem already
		r.problem(folder, name, 0, RuleName, "it does not belong to a migration")
		return
	}
	u := &r.Units[i]
	for _, s := range readINI(text) {
		value := strings.ToLower(s.value)
		switch strings.TrimPrefix(s.key, "flyway.") {
		case "executeInTransaction":
			if value == "false" {
				u.Settings.Transaction = migrate.Off
			}
		case "placeholderReplacement":
			on := value != "false"
			u.Settings.Placeholders = &on
		case "encoding":
			if value != "utf-8" && value != "utf8" && value != "us-ascii" {
				r.problem(folder, name, s.line, RuleContent, "encoding "+s.value+": only UTF-8 is read")
			}
		case "shouldExecute":
			if value != "true" {
				r.problem(folder, name, s.line, RuleContent, "shouldExecute: name the environments in the header of the script instead: -- kedge: environments=…")
			}
		default:
			r.problem(folder, name, s.line, RuleContent, "the key "+s.key+" is not known")
		}
	}
}

const flywayExample = "; expected for example V1.2__create_users.sql"

func (flyway) parse(base string) (Unit, string) {
	stem, ok := strings.CutSuffix(base, ".sql")
	if !ok {
		return Unit{}, "the name does not end in .sql" + flywayExample
	}
	if rest, ok := strings.CutPrefix(base, "R__"); ok {
		return parseRepeatable(rest)
	}
	u := Unit{Kind: migrate.Versioned, Direction: migrate.Up}
	switch {
	case strings.HasPrefix(stem, "V"):
	case strings.HasPrefix(stem, "U"):
		u.Direction = migrate.Down
	case strings.HasPrefix(stem, "B"):
		u.Kind = migrate.Baseline
	default:
		return Unit{}, "the name does not begin with V, U, B or R__" + flywayExample
	}
	number, name, ok := strings.Cut(stem[1:], "__")
	if !ok {
		return Unit{}, "the name has no two underscores between version and description" + flywayExample
	}
	version, err := migrate.ParseVersion(number)
	if err != nil {
		return Unit{}, "the name has no version after its first letter" + flywayExample
	}
	u.Version, u.Name = version, name
	return u, ""
}

// flywayEvents are the names of Flyway's callbacks.
var flywayEvents = []string{
	"beforeMigrate", "beforeRepeatables", "beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement",
	"afterEachMigrateStatementError", "afterEachMigrate", "afterEachMigrateError", "afterMigrate", "afterMigrateApplied",
	"afterVersioned", "afterMigrateError", "beforeUndo", "beforeEachUndo", "beforeEachUndoStatement", "afterEachUndoStatement",
	"afterEachUndoStatementError", "afterEachUndo", "afterEachUndoError", "afterUndo", "afterUndoError",
	"beforeClean", "afterClean", "afterCleanError", "beforeInfo", "afterInfo", "afterInfoError",
	"beforeValidate", "afterValidate", "afterValidateError", "beforeBaseline", "afterBaseline", "afterBaselineError",
	"beforeRepair", "afterRepair", "afterRepairError", "createSchema", "beforeConnect", "afterConnect",
	"beforeCreateSchema", "afterMigrateOperationFinish", "afterUndoOperationFinish",
}

// flywayCallback reads beforeMigrate.sql and beforeMigrate__title.sql.
func flywayCallback(base string) (event, title string, ok bool) {
	stem := strings.TrimSuffix(base, ".sql")
	event, title, _ = strings.Cut(stem, "__")
	return event, title, stem != base && slices.Contains(flywayEvents, event)
}

func (f flyway) New(folder *Folder, d Draft) ([]NewFile, error) {
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	if d.Kind == migrate.Repeatable {
		return []NewFile{{Path: "R__" + name + ".sql", Content: repeatableTemplate}}, nil
	}
	number, err := d.next(folder, func(base string) (string, bool) {
		u, problem := f.parse(base)
		number, _, _ := strings.Cut(strings.TrimLeft(base, "VUB"), "__")
		return number, problem == "" && u.Kind != migrate.Repeatable
	})
	if err != nil {
		return nil, err
	}
	if d.Kind == migrate.Baseline {
		return []NewFile{{Path: "B" + number + "__" + name + ".sql", Content: baselineTemplate}}, nil
	}
	files := []NewFile{{Path: "V" + number + "__" + name + ".sql", Content: upTemplate}}
	if !d.OneWay {
		files = append(files, NewFile{Path: "U" + number + "__" + name + ".sql", Content: downTemplate})
	}
	return files, nil
}
