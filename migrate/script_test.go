package migrate

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestTextChecksum(t *testing.T) {
	want := TextChecksum([]byte("a\nb\n\nc"))
	for _, text := range []string{"\ufeffa\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "\ufeffa\r\nb\n\r\nc"} {
		require.Equal(t, want, TextChecksum([]byte(text)), "%q", text)
		for size := 1; size < 5; size++ {
			h := NewTextHash()
			_, err := io.CopyBuffer(struct{ io.Writer }{h}, iotest.OneByteReader(strings.NewReader(text)), make([]byte, size))
			require.NoError(t, err)
			require.Equal(t, want, h.Sum(), "%q in pieces", text)
		}
	}
	require.NotEqual(t, want, TextChecksum([]byte("a\nb\nc")))
	require.NotEqual(t, want, TextChecksum([]byte("a\n\ufeffb\n\nc")))
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", TextChecksum(nil))
	require.Equal(t, TextChecksum([]byte("\xef\xbb")), func() string { h := NewTextHash(); _, _ = h.Write([]byte("\xef\xbb")); return h.Sum() }())
}

func TestSQLChecksum(t *testing.T) {
	sum := func(text string) string {
		s, err := SQLChecksum(strings.NewReader(text))
		require.NoError(t, err)
		return s
	}
	base := sum("CREATE TABLE a (b int); SELECT 'X';")
	require.Equal(t, base, sum("-- hello\ncreate table a(b INT);\n\n/* x */ SELECT 'X' ;;\n"))
	for _, other := range []string{"CREATE TABLE a (b int); SELECT 'x';", "CREATE TABLE a (b int);", `CREATE TABLE "A" (b int); SELECT 'X';`} {
		require.NotEqual(t, base, sum(other))
	}
	rows := "COPY t FROM stdin;\n1\t-- not a comment\n\\.\n"
	require.NotEqual(t, sum(rows), sum(strings.Replace(rows, "-- not a", "-- no", 1)), "every byte of a row counts")
	_, err := SQLChecksum(strings.NewReader("SELECT '"))
	require.Error(t, err)
}

func TestSum(t *testing.T) {
	s := script("a.sql", "SELECT 1;")
	first, err := s.Sum()
	require.NoError(t, err)
	require.NotEmpty(t, first.SQL)
	s.Text = "changed after"
	again, err := s.Sum()
	require.NoError(t, err)
	require.Equal(t, first, again, "it is kept")

	replaced := script("b.sql", "SELECT 1;")
	replaced.Original = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("SELECT ${one};")), nil }
	other, err := replaced.Sum()
	require.NoError(t, err)
	require.NotEqual(t, first.SQL, other.SQL, "the checksum is over what stands in the file")

	lost := errors.New("lost")
	broken := &Script{File: "c.sql", Reader: func() (io.ReadCloser, error) { return nil, lost }}
	_, err = broken.Sum()
	require.ErrorIs(t, err, lost)
	_, err = script("d.sql", "SELECT '").Sum()
	require.ErrorContains(t, err, "d.sql:1:8")
	reading := &Script{File: "e.sql", Reader: func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(lost)), nil }}
	_, err = reading.Sum()
	require.ErrorIs(t, err, lost)
	require.ErrorContains(t, err, "e.sql: ")
}

func TestScriptLeftOnDisk(t *testing.T) {
	lost := errors.New("lost")
	for want, s := range map[string]*Script{
		"opening a.sql": {File: "a.sql", Reader: func() (io.ReadCloser, error) { return nil, lost }},
		"reading b.sql": {File: "b.sql", Reader: func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(lost)), nil }},
		"opening d.sql": {File: "d.sql", Size: InlineLimit + 1, Reader: func() (io.ReadCloser, error) { return nil, lost }},
	} {
		_, err := NewPlan([]*Migration{{Version: "1", Kind: Versioned, Up: s}}, History{}, Request{})
		require.ErrorIs(t, err, lost)
		require.ErrorContains(t, err, want)
	}
	changed := streamed(script("c.sql", "SELECT 1;"))
	changed.Checksum.Text = "other"
	_, err := NewPlan([]*Migration{{Version: "1", Kind: Versioned, Up: changed}}, History{}, Request{})
	require.ErrorContains(t, err, "c.sql: the file has changed")
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]Version{"1": "1", "000012": "12", "1_2": "1.2", "1.0": "1", "0": "0", "1.2.0.0": "1.2", "20260101120000": "20260101120000"} {
		v, err := ParseVersion(text)
		require.NoError(t, err)
		require.Equal(t, want, v)
		require.Equal(t, string(want), v.String())
	}
	for _, text := range []string{"", "a", "1.", ".1", "1..2", "-1", "1a"} {
		_, err := ParseVersion(text)
		require.Error(t, err, text)
	}
	ordered := []Version{"", "0", "1", "1.2", "1.10", "2", "10", "20260101"}
	for i := range ordered {
		for j := range ordered {
			require.Equal(t, i < j, ordered[i].Compare(ordered[j]) < 0, "%s %s", ordered[i], ordered[j])
		}
	}
}
