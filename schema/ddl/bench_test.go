package ddl

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func benchmarkScript(b *testing.B) string {
	var all strings.Builder
	for all.Len() < 4<<20 {
		for path, src := range scripts(b) {
			switch path {
			case "parse/alter.sql", "parse/object.sql", "locks/fixture.sql", "scripts/comments.sql", "scripts/dollar.sql":
				all.WriteString(src)
			}
		}
	}
	return all.String()
}

func BenchmarkSplit(b *testing.B) {
	src := benchmarkScript(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Split(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	src := benchmarkScript(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		s := NewScanner(strings.NewReader(src))
		for {
			if _, err := s.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCopyRows(b *testing.B) {
	src := "copy t from stdin;\n" + strings.Repeat("1\tsome text of a row\t2026-01-01\n", 1<<18) + "\\.\n"
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		s := NewScanner(strings.NewReader(src))
		for {
			if _, err := s.Next(); errors.Is(err, io.EOF) {
				break
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	src := benchmarkScript(b)
	statements, err := Split(src)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		for _, s := range statements {
			if _, err := s.Parse(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	src := benchmarkScript(b)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		Fingerprint(src)
	}
}
