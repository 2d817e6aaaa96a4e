package main

import (
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/environments"
)

func devCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "The embedded PostgreSQL: start, stop, status, url, psql, reset, install",
		Long: `Looks after the development server that "url: embedded" uses: a real PostgreSQL
of this project's own, kept in the user's cache folder and started on demand.`,
	}
	cmd.AddCommand(devStart(a), devStop(a), devStatus(a), devURL(a), devPsql(a), devReset(a), devInstall(a))
	return cmd
}

func devStart(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "start",
		Short: "Start the development server, unless it runs",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.devServer()
			if err != nil {
				return err
			}
			if err := server.Start(cmd.Context()); err != nil {
				return err
			}
			return a.showDev(cmd, server)
		},
	}
}

func devStop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the development server; its data stays",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.devServer()
			if err != nil {
				return err
			}
			if err := server.Stop(cmd.Context()); err != nil {
				return err
			}
			a.say("stopped")
			return nil
		},
	}
}

func devStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the development server runs, and where its data is",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.devServer()
			if err != nil {
				return err
			}
			return a.showDev(cmd, server)
		},
	}
}

func (a *app) showDev(cmd *cobra.Command, server *environments.DevServer) error {
	status, err := server.Status(cmd.Context())
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.document(status)
	}
	switch {
	case status.Running:
		a.result("running: PostgreSQL %s, pid %d, %s", status.Version, status.PID, bytesShown(status.Bytes))
	case status.Exists:
		a.result("stopped: PostgreSQL %s, %s", status.Version, bytesShown(status.Bytes))
	default:
		a.result("not made yet")
	}
	a.detail("data: %s\nlog:  %s", status.Data, status.Log)
	return nil
}

func devURL(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "url",
		Short: "Print the URL of the development database, starting the server if need be",
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := a.devDatabase(cmd.Context())
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.document(struct {
					URL string `json:"url"`
				}{url})
			}
			a.result("%s", url)
			return nil
		},
	}
}

func devPsql(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "psql [-- ARGS…]",
		Short: "Open psql on the development database",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := a.devDatabase(cmd.Context())
			if err != nil {
				return err
			}
			program, err := exec.LookPath("psql")
			if err != nil {
				return fmt.Errorf("starting psql: it is not installed; use another client with the URL of: kedge dev url")
			}
			psql := exec.CommandContext(cmd.Context(), program, append([]string{url}, args...)...)
			psql.Env = a.environ
			psql.Dir = a.dir
			psql.Stdin, psql.Stdout, psql.Stderr = a.in, a.out, a.err
			if err := psql.Run(); err != nil {
				return fmt.Errorf("psql: %w", err)
			}
			return nil
		},
	}
}

func devReset(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Throw the development server's data away",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.devServer()
			if err != nil {
				return err
			}
			if yes, err := a.confirm("Throw away everything in this project's development databases?"); err != nil || !yes {
				return orNothing(err)
			}
			if err := server.Reset(cmd.Context()); err != nil {
				return err
			}
			a.say("reset: the next start makes an empty server")
			return nil
		},
	}
}

func devInstall(a *app) *cobra.Command {
	var major int
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Fetch a PostgreSQL ahead of time, unless one is installed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			binaries, err := environments.Obtain(cmd.Context(), a.findOptions(major), a.installProgress())
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.document(binaries)
			}
			a.result("PostgreSQL %s in %s", binaries.Version, binaries.Dir)
			return nil
		},
	}
	cmd.Flags().IntVar(&major, "postgres", 0, "the major version (default: the project's, else the newest installed)")
	return cmd
}
