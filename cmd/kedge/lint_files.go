package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/lint"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema/ddl"
)

// lintLimit is the largest file that lint reads, in bytes.
const lintLimit = 64 << 20

func readLimited(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, lintLimit+1))
	if err == nil && len(text) > lintLimit {
		err = fmt.Errorf("it has more than %d MB", lintLimit>>20)
	}
	return string(text), err
}

// namedFiles reads files, and the SQL files below folders.
func (a *app) namedFiles(args []string) ([]lint.File, error) {
	var names []string
	for _, arg := range args {
		info, err := os.Stat(a.path(arg))
		switch {
		case arg == "-":
			names = append(names, arg)
		case err != nil:
			return nil, usagef("reading %s: %v", arg, errors.Unwrap(err))
		case info.IsDir():
			below, err := sqlFiles(a.path(arg))
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", arg, err)
			}
			for _, path := range below {
				names = append(names, a.shown(path))
			}
		default:
			names = append(names, filepath.ToSlash(arg))
		}
	}
	var files []lint.File
	for _, name := range names {
		f, err := a.namedFile(name)
		if err != nil {
			return nil, err
		}
		if other := counterpart(name); other != "" && f.Direction == migrate.Up {
			if down, err := a.namedFile(other); err == nil {
				f.Down = &down
			}
			f.WantsDown = f.Down == nil
		}
		files = append(files, f)
	}
	return files, nil
}

func sqlFiles(folder string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.EqualFold(filepath.Ext(path), ".sql") {
			list = append(list, path)
		}
		return err
	})
	slices.Sort(list)
	return list, err
}

// counterpart is the file of the down script for an up script's.
func counterpart(name string) string {
	if before, ok := strings.CutSuffix(name, ".up.sql"); ok {
		return before + ".down.sql"
	}
	return ""
}

// downNames are what other tools call the scripts that revert: golang-migrate, Flyway, diesel.
var downNames = regexp.MustCompile(`(?i)(\.down\.sql|(^|/)U[0-9][0-9._]*__[^/]*\.sql|(^|/)(down|undo|revert|rollback)\.sql)$`)

// downMarks begin the part that reverts, in files that hold both: goose, dbmate, sql-migrate.
var downMarks = regexp.MustCompile(`(?im)^--\s*(\+goose\s+down|migrate:down|\+migrate\s+down|@undo|----\s*create above).*$`)

func (a *app) namedFile(name string) (lint.File, error) {
	var text string
	var err error
	if name == "-" {
		text, err = readLimited(a.in)
	} else {
		var f *os.File
		if f, err = os.Open(a.path(name)); err == nil {
			text, err = readLimited(f)
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return lint.File{}, usagef("reading %s: %v", name, err)
	}
	f := lint.File{Name: name, Text: text, Direction: migrate.Up}
	if f.Unreadable = ddl.CheckText(text); f.Unreadable != nil {
		return f, nil
	}
	if downNames.MatchString(filepath.ToSlash(name)) {
		f.Direction = migrate.Down
	}
	if at := downMarks.FindStringIndex(text); at != nil {
		f.Text = text[:at[0]]
	}
	f.Header, f.Unreadable = readHeader(f.Text, f.Direction)
	return f, nil
}

func readHeader(text string, d migrate.Direction) (migrate.Header, error) {
	return source.ReadHeader(text, d)
}

// personalColumn is a column of the report of personal data.
type personalColumn struct {
	Table   string `json:"table"`
	Column  string `json:"column"`
	Class   string `json:"class"` // "" for one that looks like personal data and is not marked
	Comment string `json:"comment"`
}

// reportPersonalData lists columns that are marked as personal data: those of
// the database where one is named, else those that the scripts mark.
func (a *app) reportPersonalData(work *lintWork, f *lintFlags) error {
	columns := scriptColumns(work.files)
	if work.options.Target != nil {
		columns = targetColumns(work.options.Target)
	}
	slices.SortFunc(columns, func(x, y personalColumn) int {
		return strings.Compare(x.Table+"\x00"+x.Column, y.Table+"\x00"+y.Column)
	})
	if a.flags.json || f.format == "json" {
		if columns == nil {
			columns = []personalColumn{}
		}
		return a.document(struct {
			Columns []personalColumn `json:"columns"`
		}{columns})
	}
	if f.format == "markdown" {
		a.result("| table | column | class | comment |\n|---|---|---|---|")
		for _, c := range columns {
			a.result("| %s | %s | %s | %s |", c.Table, c.Column, c.Class, strings.NewReplacer("|", `\|`, "\n", " ").Replace(c.Comment))
		}
		return nil
	}
	rows := make([][]cell, len(columns))
	for i, c := range columns {
		class := plain(c.Class)
		if c.Class == "" {
			class = cell{"not marked", yellow}
		}
		rows[i] = []cell{plain(c.Table), plain(c.Column), class, plain(firstLine(c.Comment, 80))}
	}
	a.table([]string{"table", "column", "class", "comment"}, rows)
	return nil
}

func targetColumns(t *rules.Target) []personalColumn {
	var list []personalColumn
	for _, r := range t.Scene.Relations {
		if r.Kind != ddl.Table && r.Kind != ddl.PartitionedTable || len(r.Parents) > 0 {
			continue
		}
		for _, c := range r.Columns {
			comment := t.Comments[strings.Join([]string{r.Name.Schema, r.Name.Name, c.Name}, ".")]
			class := rules.Classification(comment)
			if class != "" || rules.PersonalClass(c.Name) != "" && c.Type.Name != "bool" {
				list = append(list, personalColumn{r.Name.String(), c.Name, class, comment})
			}
		}
	}
	return list
}

// scriptColumns follows the scripts in their order.
func scriptColumns(files []lint.File) []personalColumn {
	var scene ddl.Scene
	comments := map[string]string{}
	for _, f := range files {
		list, err := ddl.Split(f.Text)
		if err != nil || f.Direction == migrate.Down {
			continue
		}
		for _, s := range list {
			node, err := s.Parse()
			if err != nil {
				continue
			}
			if n, ok := node.(*ddl.CommentOn); ok && n.Kind == "COLUMN" {
				if r := scene.Relation(n.Name); r != nil {
					comments[strings.Join([]string{r.Name.Schema, r.Name.Name, n.Column}, ".")] = n.Text
				}
			}
			scene.Apply(node)
		}
	}
	return targetColumns(&rules.Target{Scene: &scene, Comments: comments})
}
