package environments

import (
	"regexp"
	"strings"
)

// redacted stands where a secret was.
const redacted = "***"

var (
	// The password ends at the token's last @: one that was not escaped may hold @, / and : itself.
	urlPassword = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)\S+@`)
	// Parameters of a URL's query and of key=value connection strings, and variables: password, sslpassword, PGPASSWORD.
	quotedPassword = regexp.MustCompile(`(?i)(passw(?:or)?d\s*=\s*)'(?:[^'\\]|\\.)*(?:'|$)`)
	plainPassword  = regexp.MustCompile(`(?i)(passw(?:or)?d\s*=\s*)[^\s'&]+(?:'[^\s&]*)?`)
)

// Redact takes the passwords out of a text: those of URLs (user:password@host, ?password=…) and of key=value
// connection strings. It takes out too much rather than too little.
func Redact(text string) string {
	text = urlPassword.ReplaceAllString(text, "${1}"+redacted+"@")
	text = quotedPassword.ReplaceAllString(text, "${1}"+redacted)
	return plainPassword.ReplaceAllString(text, "${1}"+redacted)
}

// shortestSecret is the shortest password that is looked for as it is: a shorter one is part of too many words.
const shortestSecret = 4

// redactSecret is Redact for a text that may hold this password in any place.
func redactSecret(text, password string) string {
	text = Redact(text)
	if len(password) >= shortestSecret {
		text = strings.ReplaceAll(text, password, redacted)
	}
	return text
}

// secretsOf returns the parts of a text that Redact takes out.
func secretsOf(text string) []string {
	var secrets []string
	for _, pattern := range []*regexp.Regexp{urlPassword, quotedPassword, plainPassword} {
		for _, m := range pattern.FindAllStringSubmatchIndex(text, -1) {
			secrets = append(secrets, text[m[3]:m[1]])
		}
	}
	return secrets
}
