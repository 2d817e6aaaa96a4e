package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandGroup is a group of commands as help shows them.
type commandGroup struct {
	id, title string
	commands  []func(*app) *cobra.Command
}

// commandGroups lists every command, in the order that help shows.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"run", "Run migrations:", []func(*app) *cobra.Command{
			statusCommand, planCommand, upCommand, downCommand, redoCommand, historyCommand,
		}},
		{"project", "Work on a project:", []func(*app) *cobra.Command{
			initCommand, newCommand, renumberCommand, devCommand, demoCommand,
		}},
		{"schema", "Know the schema:", []func(*app) *cobra.Command{
			diffCommand, driftCommand, snapshotCommand, lintCommand, verifyCommand,
		}},
		{"mend", "Adopt and mend:", []func(*app) *cobra.Command{
			baselineCommand, adoptCommand, convertCommand, squashCommand, repairCommand, resolveCommand,
		}},
		{"other", "Other:", []func(*app) *cobra.Command{
			versionCommand, completionCommand, manCommand,
		}},
	}
}

// helpTopics are pages of help that are not commands: kedge help NAME.
var helpTopics = []struct{ name, short, text string }{
	{"exit-codes", "What kedge's exit codes mean", exitCodesHelp},
}

// helpCommand is cobra's, but asked for what there is not it ends as a mistake.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command or a topic",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range about.Commands() {
					names = append(names, sub.Name()+"\t"+sub.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about == nil {
				about, rest = cmd.Root(), args
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// flagFault says what is wrong with a flag's value, without the words of Go's
// parsers.
func flagFault(err error) string {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	f := invalid.GetFlag()
	expected := map[string]string{"int": "a number", "bool": "true or false", "duration": "a duration such as 30s"}[f.Value.Type()]
	if expected == "" {
		return err.Error()
	}
	return fmt.Sprintf("invalid argument %q for --%s: expected %s", invalid.GetValue(), f.Name, expected)
}

var setTogether = regexp.MustCompile(`none of the others can be; \[(.*)\] were all set`)

// excluded says which flags do not go together.
func excluded(err error) string {
	m := setTogether.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	return "--" + strings.Join(strings.Fields(m[1]), " and --") + " do not go together"
}
