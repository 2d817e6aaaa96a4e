package source

import (
	"fmt"
	"strings"
)

// substitute puts environment variables into a text as goose does between ENVSUB
// ON and OFF: $NAME, ${NAME}, ${NAME-default}, ${NAME:-default}, ${NAME:?message};
// \$ and $$ are a dollar sign. A variable that is not set is an error, where
// goose puts nothing in.
func substitute(text string, lookup func(string) (string, bool), used map[string]string) (string, error) {
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, `$\`)
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		if strings.HasPrefix(text, `\$`) || strings.HasPrefix(text, "$$") {
			b.WriteByte('$')
			text = text[2:]
			continue
		}
		name, expression, rest, ok := variable(text)
		if !ok {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		value, err := evaluate(name, expression, lookup)
		if err != nil {
			return "", err
		}
		used[name] = value
		b.WriteString(value)
		text = rest
	}
	return b.String() + text, nil
}

// variable reads $NAME or ${NAME…} off the front of a text.
func variable(text string) (name, expression, rest string, ok bool) {
	if text[0] != '$' || len(text) < 2 {
		return "", "", text, false
	}
	if text[1] != '{' {
		n := nameLength(text[1:])
		return text[1 : 1+n], "", text[1+n:], n > 0
	}
	end := strings.IndexByte(text, '}')
	n := nameLength(text[2:])
	if end < 0 || n == 0 {
		return "", "", text, false
	}
	return text[2 : 2+n], text[2+n : end], text[end+1:], true
}

func nameLength(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || n > 0 && text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return n
}

func evaluate(name, expression string, lookup func(string) (string, bool)) (string, error) {
	value, set := lookup(name)
	switch {
	case expression == "" && !set:
		return "", fmt.Errorf("the environment variable %s is not set", name)
	case expression == "":
		return value, nil
	case strings.HasPrefix(expression, ":-"):
		if value == "" {
			return expression[2:], nil
		}
		return value, nil
	case strings.HasPrefix(expression, ":?"), strings.HasPrefix(expression, "?"):
		if !set || value == "" && expression[0] == ':' {
			return "", fmt.Errorf("the environment variable %s: %s", name, strings.TrimLeft(expression, ":?"))
		}
		return value, nil
	case strings.HasPrefix(expression, "-"):
		if !set {
			return expression[1:], nil
		}
		return value, nil
	}
	return "", fmt.Errorf("${%s%s}: kedge knows ${%s}, ${%s-default}, ${%s:-default} and ${%s:?message}", name, expression, name, name, name, name)
}
