package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Row is one row of a kind's catalog query. Its methods take the columns one
// after the other, in the query's order; NULL reads as the zero value.
type Row struct {
	text string
	ends []int32 // end of each column in text; -1-end for NULL
	at   int
	err  error
}

// scan points the row at the values of a result.
func (r *Row) scan(values [][]byte, buffer []byte) []byte {
	buffer = buffer[:0]
	r.ends, r.at, r.err = r.ends[:0], 0, nil
	for _, v := range values {
		buffer = append(buffer, v...)
		end := int32(len(buffer))
		if v == nil {
			end = -1 - end
		}
		r.ends = append(r.ends, end)
	}
	r.text = string(buffer)
	return buffer
}

func (r *Row) next() (string, bool) {
	if r.at >= len(r.ends) {
		r.fail(fmt.Errorf("the query returns %d columns, more were read", len(r.ends)))
		return "", false
	}
	start := int32(0)
	if r.at > 0 {
		if start = r.ends[r.at-1]; start < 0 {
			start = -1 - start
		}
	}
	end := r.ends[r.at]
	r.at++
	if end < 0 {
		return "", false
	}
	return r.text[start:end], true
}

func (r *Row) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Text takes a column as text.
func (r *Row) Text() string { s, _ := r.next(); return s }

// Nullable takes a column as text and says whether it was there.
func (r *Row) Nullable() (string, bool) { return r.next() }

// Bool takes a boolean column.
func (r *Row) Bool() bool { s, _ := r.next(); return s == "t" }

// Int takes an integer column.
func (r *Row) Int() int64 {
	s, ok := r.next()
	if !ok || s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		r.fail(err)
	}
	return n
}

// OID takes an oid column.
func (r *Row) OID() uint32 {
	s, ok := r.next()
	if !ok {
		return 0
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		n = n*10 + uint64(s[i]-'0')
	}
	return uint32(n)
}

// Texts takes a one-dimensional array column; NULL elements become "".
func (r *Row) Texts() []string {
	s, ok := r.next()
	if !ok {
		return nil
	}
	return parseArray(s)
}

// Ints takes an int2[], int4[] column, or an int2vector.
func (r *Row) Ints() []int {
	s, ok := r.next()
	if !ok {
		return nil
	}
	fields := strings.FieldsFunc(s, func(c rune) bool { return c == '{' || c == '}' || c == ',' || c == ' ' })
	out := make([]int, len(fields))
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil {
			r.fail(err)
		}
		out[i] = n
	}
	return out
}

// OIDs takes an oid[] column or an oidvector.
func (r *Row) OIDs() []uint32 {
	s, ok := r.next()
	if !ok {
		return nil
	}
	var out []uint32
	var n uint64
	digits := false
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			n, digits = n*10+uint64(s[i]-'0'), true
			continue
		}
		if digits {
			out = append(out, uint32(n))
		}
		n, digits = 0, false
	}
	return out
}

// parseArray reads the text form of a one-dimensional array.
func parseArray(s string) []string {
	if i := strings.IndexByte(s, '{'); i > 0 { // explicit lower bounds
		s = s[i:]
	}
	if len(s) <= 2 {
		return nil
	}
	s = s[1 : len(s)-1]
	var out []string
	for len(s) > 0 {
		if s[0] != '"' {
			end := strings.IndexByte(s, ',')
			if end < 0 {
				end = len(s)
			}
			element := s[:end]
			if element == "NULL" {
				element = ""
			}
			out = append(out, element)
			s = strings.TrimPrefix(s[end:], ",")
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			b.WriteByte(s[i])
		}
		out = append(out, b.String())
		s = strings.TrimPrefix(s[min(i+1, len(s)):], ",")
	}
	return out
}

// each calls visit with every row of a result.
func each(result *pgconn.ResultReader, visit func(*Row)) error {
	row := &Row{}
	var buffer []byte
	for result.NextRow() {
		buffer = row.scan(result.Values(), buffer)
		visit(row)
		if row.err != nil {
			err := row.err
			_, _ = result.Close()
			return err
		}
	}
	_, err := result.Close()
	return err
}
