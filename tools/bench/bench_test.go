package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMigrationsAreAlwaysTheSame(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		if err := writeMigrations(filepath.Join(dir, name), filepath.Join(dir, name+".sql"), 16); err != nil {
			t.Fatal(err)
		}
	}
	one, err := os.ReadFile(filepath.Join(dir, "one.sql"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(filepath.Join(dir, "two.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) || strings.Count(string(one), "COMMIT;") != 16 {
		t.Error("the generator does not repeat itself")
	}
	files, err := filepath.Glob(filepath.Join(dir, "one", "*.sql"))
	if err != nil || len(files) != 32 {
		t.Errorf("%d files, error %v", len(files), err)
	}
}

func TestServerURLs(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://me@db.example.com/x":                  "tcp db.example.com:5432",
		"postgres://me@127.0.0.1:5433/x":                  "tcp 127.0.0.1:5433",
		"postgres:///x?host=/run/pg&port=5434&user=me":    "unix /run/pg/.s.PGSQL.5434",
		"postgres://me@/x?host=%2Frun%2Fpg&sslmode=never": "unix /run/pg/.s.PGSQL.5432",
	} {
		s, err := parseServer(text)
		if err != nil || s.network+" "+s.address != want {
			t.Errorf("%s: got %s %s, error %v", text, s.network, s.address, err)
		}
	}
	s, _ := parseServer("postgres://me@127.0.0.1:5433/x")
	if got := s.database("y", "/tmp/p"); got != "postgres://me@/y?host=%2Ftmp%2Fp&port=5433" {
		t.Error(got)
	}
}

func TestProxyCountsRoundTripsAndPassesEverything(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		conn, err := echo.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	p, err := listen(t.TempDir(), server{network: "tcp", address: echo.Addr().String(), port: "5432"}, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", filepath.Join(p.folder, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := conn.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	p.close()
	if p.trips.Load() != 3 {
		t.Errorf("%d round trips", p.trips.Load())
	}
}
