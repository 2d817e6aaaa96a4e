package main

import "github.com/spf13/cobra"

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
