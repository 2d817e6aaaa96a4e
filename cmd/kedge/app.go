package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kedgedb/kedge/environments"
)

// surroundings is all that a run takes from the process it runs in.
type surroundings struct {
	args    []string
	dir     string // the working directory, absolute
	environ []string
	in      io.Reader
	out     io.Writer
	err     io.Writer
}

// app is one run of the command line.
type app struct {
	surroundings
	flags     globalFlags
	flagNames []string // the flags of all commands
	project   *environments.Project
	shadows   []*host
	kept      []*pgx.Conn // closed at the end of the run

	planShadow bool // plan --shadow
}

// globalFlags are the flags that every command has.
type globalFlags struct {
	env     string
	url     string
	source  string
	project string
	json    bool
	quiet   bool
	verbose bool
	noColor bool
	yes     bool
}

// run carries out one command line and returns its exit code.
func run(ctx context.Context, s surroundings) int {
	a := &app{surroundings: s}
	root := a.rootCommand()
	root.SetArgs(s.args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetContext(ctx)
	err := errors.Join(root.ExecuteContext(ctx), a.closeKept(context.WithoutCancel(ctx)), a.closeShadows())
	if err != nil && !errors.As(err, new(*reported)) {
		a.printError(err)
	}
	return exitCode(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kedge",
		Short: "Versioned schema migrations for PostgreSQL: apply, prove, review",
		Long: `kedge applies versioned SQL migrations to PostgreSQL databases, each with its
history row in one transaction; shows what a live database has become; and
writes its schema down for review.

Nothing but --url and --source is needed. A project adds kedge.yaml and an
environments folder: see "kedge init".`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.flagsFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := a.flagsFromProject(cmd); err != nil {
				return err
			}
			if err := cmd.ValidateFlagGroups(); err != nil {
				return usagef("%s\n%s", excluded(err), helpHint(cmd))
			}
			return nil
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.flags.env, "env", "e", "", "the environment (default: default_environment of kedge.yaml, else dev)")
	f.StringVar(&a.flags.url, "url", "", "the database, in place of the environment's")
	f.StringVar(&a.flags.source, "source", "", "the migrations: a folder or a golang-migrate source URL, in place of kedge.yaml's")
	f.StringVar(&a.flags.project, "project", "", "the folder that holds kedge.yaml (default: found by looking upward)")
	f.BoolVar(&a.flags.json, "json", false, "print one JSON document on standard output")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "print only results and errors")
	f.BoolVarP(&a.flags.verbose, "verbose", "v", false, "print more about what is being done")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colours, even on a terminal")
	f.BoolVarP(&a.flags.yes, "yes", "y", false, "answer yes to every question")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s\n%s", flagFault(err), helpHint(cmd))
	})
	root.SetHelpCommand(helpCommand())
	for _, group := range commandGroups() {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, make := range group.commands {
			cmd := make(a)
			cmd.GroupID = group.id
			checkArguments(cmd)
			root.AddCommand(cmd)
		}
	}
	for _, topic := range helpTopics {
		root.AddCommand(&cobra.Command{Use: topic.name, Short: topic.short, Long: topic.text})
	}
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	root.SuggestionsMinimumDistance = 2
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root
}

// checkArguments makes wrong arguments of a command and of those below it usage
// errors.
func checkArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		checkArguments(sub)
	}
	cmd.SuggestionsMinimumDistance = 2
	check := cmd.Args
	if check == nil {
		check = noArguments
		if cmd.HasSubCommands() {
			check = cobra.ArbitraryArgs
		}
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%s: %v\n%s", cmd.CommandPath(), err, helpHint(cmd))
		}
		return nil
	}
	if cmd.RunE == nil && cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		}
	}
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("it takes no arguments, and got %q", args[0])
	}
	return nil
}

func unknownCommand(cmd *cobra.Command, name string) error {
	message := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		message += fmt.Sprintf("; did you mean %q?", strings.Join(near, `" or "`))
	}
	return usagef("%s\n%s", message, helpHint(cmd))
}

func helpHint(cmd *cobra.Command) string {
	return fmt.Sprintf("See '%s --help'.", cmd.CommandPath())
}

// flagsFromEnvironment sets each flag that the command line left out from its
// variable: --lock-retry from KEDGE_LOCK_RETRY.
func (a *app) flagsFromEnvironment(set *pflag.FlagSet) error {
	var err error
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		if f.Changed || err != nil {
			return
		}
		variable := "KEDGE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := a.lookup(variable)
		if !ok || value == "" {
			return
		}
		if e := set.Set(f.Name, value); e != nil {
			err = usagef("%s: %s", variable, flagFault(e))
		}
	})
	return err
}

// lookup is os.LookupEnv on the run's own environment.
func (a *app) lookup(name string) (string, bool) {
	for i := len(a.environ) - 1; i >= 0; i-- {
		if key, value, _ := strings.Cut(a.environ[i], "="); key == name {
			return value, true
		}
	}
	return "", false
}

// path makes a path from the command line absolute.
func (a *app) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.dir, p)
}

// shown makes an absolute path short for people: relative to where they stand,
// when it is below.
func (a *app) shown(p string) string {
	if rel, err := filepath.Rel(a.dir, p); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return p
}

// onTerminal tells whether a stream of the run is a terminal, with a person at it.
func (a *app) onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
