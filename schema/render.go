package schema

// Render returns the statements that make the model in an empty database, in
// loading order, everything about a table together. pristine is what an empty
// database holds already (see catalog.Pristine).
func Render(pristine, model *Model, options Options) ([]Statement, error) {
	options.Style = Offline
	statements, _, err := diff(pristine, model, options)
	return statements, err
}
