package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var unclassifiedPersonalData = Rule{
	Name: "unclassified-personal-data", Family: Personal, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(table ddl.Name, c *ddl.Column) {
			class := PersonalClass(c.Name)
			if class == "" || !holdsText(c.Type) {
				return
			}
			for _, script := range p.Set.Scripts {
				for _, s := range script.Statements {
					comment, ok := s.Node.(*ddl.CommentOn)
					if ok && comment.Kind == "COLUMN" && comment.Column == c.Name && comment.Name.Same(table) && Classification(comment.Text) != "" {
						return
					}
				}
			}
			p.Report(Found{Span: c.Span, Object: table, Message: fmt.Sprintf("%s looks like personal data, and no comment says so", ddl.QuoteIdent(c.Name)),
				Fix: sql("COMMENT ON COLUMN %s.%s IS '… [personal: %s]';", table, ddl.QuoteIdent(c.Name), class)})
		})
	},
}

// personal are words in names of columns that hold personal data, by what they hold.
var personal = []struct {
	class string
	words []string
}{
	{"contact", []string{"email", "e_mail", "mail_address", "phone", "mobile_number", "telephone", "fax"}},
	{"credential", []string{"password", "passwd", "password_hash", "api_key", "access_token", "refresh_token", "otp_secret"}},
	{"identity", []string{"first_name", "last_name", "given_name", "family_name", "full_name", "surname", "maiden_name", "birthdate", "birth_date", "date_of_birth", "dob", "ssn", "social_security", "national_id", "passport", "tax_id", "iban", "card_number", "gender", "nationality"}},
	{"location", []string{"street", "postal_code", "postcode", "zip_code", "zipcode", "home_address", "ip_address", "ip_addr", "latitude", "longitude", "geo_location"}},
}

// PersonalClass returns which class of personal data a column of the name probably holds, "" for none.
func PersonalClass(column string) string {
	name := strings.ToLower(column)
	name = strings.ReplaceAll(strings.ReplaceAll(name, "firstname", "first_name"), "lastname", "last_name")
	for _, class := range personal {
		for _, word := range class.words {
			if name == word || strings.HasPrefix(name, word+"_") && !strings.HasSuffix(name, "_id") && !countsOrFlags(name) || strings.HasSuffix(name, "_"+word) {
				return class.class
			}
		}
	}
	return ""
}

// countsOrFlags tells whether a column says something about personal data rather than holding it.
func countsOrFlags(name string) bool {
	for _, suffix := range []string{"_count", "_at", "_enabled", "_verified", "_confirmed", "_sent", "_type", "_required"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func holdsText(t ddl.TypeName) bool {
	return t.Name != "bool" && t.Name != "timestamptz" && t.Name != "timestamp"
}

// Classification returns the class in a column's comment, by the marker [personal: CLASS], "" for none.
func Classification(comment string) string {
	_, after, ok := strings.Cut(comment, "[personal: ")
	class, _, closed := strings.Cut(after, "]")
	if !ok || !closed {
		return ""
	}
	return strings.TrimSpace(class)
}
