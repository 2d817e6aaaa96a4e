package environments

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionsAreOrdered(t *testing.T) {
	t.Parallel()
	versions := []string{"18.0", "9.6.24", "17.9", "18beta1", "17.10", "13.23"}
	slices.SortFunc(versions, compareVersions)
	require.Equal(t, []string{"9.6.24", "13.23", "17.9", "17.10", "18beta1", "18.0"}, versions)
}

func TestBinariesOfAFolder(t *testing.T) {
	t.Parallel()
	found, err := FindBinaries(t.Context(), FindOptions{})
	require.NoError(t, err)
	same, err := FindBinaries(t.Context(), FindOptions{Dir: found.Dir, Major: found.Major})
	require.NoError(t, err)
	require.Equal(t, found, same)
	require.Equal(t, []Binaries{found}, AllBinaries(t.Context(), FindOptions{Dir: found.Dir}))
	_, err = FindBinaries(t.Context(), FindOptions{Dir: found.Dir, Major: 99})
	require.ErrorIs(t, err, ErrNoBinaries)
	require.ErrorContains(t, err, "no PostgreSQL 99 server found in "+found.Dir)
	_, err = Obtain(t.Context(), FindOptions{Dir: t.TempDir()}, nil)
	require.ErrorIs(t, err, ErrNoBinaries, "a configured folder is not replaced by something fetched")
	path, ok := found.Program("initdb")
	require.True(t, ok)
	require.Equal(t, filepath.Join(found.Dir, executable("initdb")), path)
	_, ok = found.Program("no-such-program-of-postgresql")
	require.False(t, ok)
}

func TestBrokenBinariesAreNamed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs shell scripts")
	}
	for script, message := range map[string]string{"echo something else": "unexpected answer", "echo broken; exit 1": "broken"} {
		dir := t.TempDir()
		for _, name := range []string{"postgres", "initdb"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
		}
		_, err := FindBinaries(t.Context(), FindOptions{Dir: dir})
		require.ErrorContains(t, err, message)
	}
}

func TestInstallHints(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"ID=debian\n":                         "apt-get install postgresql-16",
		"NAME=x\nID=mint\nID_LIKE=\"ubuntu\"": "apt-get install postgresql-16",
		"ID=alpine":                           "apk add postgresql16",
		"ID=\"rocky\"\nID_LIKE=\"rhel fedora": "dnf install postgresql16-server",
		"ID=arch":                             "pacman",
		"ID=opensuse-leap\nID_LIKE='suse'":    "zypper install postgresql16-server",
		"":                                    "postgres.bin",
	} {
		require.Contains(t, linuxInstallHint(release, "16"), want)
	}
	require.Contains(t, linuxInstallHint("ID=debian", ""), "apt-get install postgresql")
	require.NotEmpty(t, installHint(0))
}

func TestEveryInstalledMajorRunsAShadow(t *testing.T) {
	t.Parallel()
	for _, b := range AllBinaries(t.Context(), FindOptions{}) {
		shadow := openShadow(t, ShadowOptions{Binaries: b})
		cfg, err := shadow.Create(t.Context(), "db")
		require.NoError(t, err)
		var major int
		require.NoError(t, connect(t, cfg).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&major))
		require.Equal(t, b.Major, major)
		require.Equal(t, b.Major, shadow.Major())
	}
}
