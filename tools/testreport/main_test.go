package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	events := strings.Join([]string{
		`go: downloading something v1.0.0`,
		`{"Action":"output","Package":"a","Test":"TestGood","Output":"noise\n"}`,
		`{"Action":"pass","Package":"a","Test":"TestGood"}`,
		`{"Action":"output","Package":"a","Test":"TestOld","Output":"=== RUN   TestOld\n"}`,
		`{"Action":"output","Package":"a","Test":"TestOld","Output":"    a_test.go:9: pgtest: no pg_dump: really\n"}`,
		`{"Action":"output","Package":"a","Test":"TestOld","Output":"--- SKIP: TestOld (0.00s)\n"}`,
		`{"Action":"skip","Package":"a","Test":"TestOld"}`,
		`{"Action":"output","Package":"a","Output":"PASS\n"}`,
		`{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}`,
		`{"Action":"pass","Package":"a"}`,
		`{"Action":"output","Package":"b","Test":"TestBad","Output":"    b_test.go:1: wrong\n"}`,
		`{"Action":"fail","Package":"b","Test":"TestBad"}`,
		`{"Action":"output","Package":"b","Test":"TestHung","Output":"panic: test timed out\n"}`,
		`{"Action":"output","Package":"b","Output":"FAIL\tb\t0.1s\n"}`,
		`{"Action":"fail","Package":"b"}`,
		`{"ImportPath":"c","Action":"build-output","Output":"c.go:1: undefined: x\n"}`,
		`{"ImportPath":"c","Action":"build-fail"}`,
	}, "\n")
	var out strings.Builder
	failed, err := report(strings.NewReader(events), &out)
	if err != nil || !failed {
		t.Fatalf("failed %v, error %v", failed, err)
	}
	want := `go: downloading something v1.0.0
ok  	a	0.1s
    b_test.go:1: wrong
FAIL	b	0.1s
c.go:1: undefined: x
panic: test timed out
skipped: pgtest: no pg_dump: really: TestOld
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestReportOfPassingTests(t *testing.T) {
	failed, err := report(strings.NewReader(`{"Action":"pass","Package":"a"}`), &strings.Builder{})
	if err != nil || failed {
		t.Fatalf("failed %v, error %v", failed, err)
	}
}

func TestCoverageMergesWhatSeveralBinariesRan(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "profile")
	text := "mode: set\nm/a/x.go:1.1,2.2 3 0\nm/a/x.go:3.1,4.2 1 0\nm/a/x.go:1.1,2.2 3 1\n"
	if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := coverage(profile, 75); code != 0 {
		t.Errorf("3 of 4 statements are 75 %%, got exit code %d", code)
	}
	if code := coverage(profile, 76); code != 1 {
		t.Errorf("75 %% is below 76, got exit code %d", code)
	}
}
