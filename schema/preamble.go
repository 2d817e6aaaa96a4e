package schema

// Preamble is what must be said in a session before the statements run, ""
// mostly: bodies of routines are not checked where a routine is made, since
// what they use may come later.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-CHECK-FUNCTION-BODIES
func Preamble(statements []Statement) string {
	for _, s := range statements {
		if s.Object.Kind == "function" || s.Object.Kind == "procedure" {
			return "SET check_function_bodies = false"
		}
	}
	return ""
}
