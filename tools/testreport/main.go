// Command testreport turns the output of `go test -json` on standard input into
// go test's own closing line for each package, the whole output of what failed,
// and a list of what was skipped with the reasons. It exits 1 when anything
// failed. With -coverage it prints a coverage profile by package instead.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is a line of `go test -json`: see go doc test2json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func main() {
	profile := flag.String("coverage", "", "print the coverage profile `FILE` by package instead")
	floor := flag.Float64("floor", 0, "with -coverage: the lowest total that is accepted, in `percent`")
	flag.Parse()
	if *profile != "" {
		os.Exit(coverage(*profile, *floor))
	}
	failed, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "reading the test output:", err)
		os.Exit(1)
	}
	if failed {
		os.Exit(1)
	}
}

// report copies what matters from in to out and tells whether anything failed.
func report(in io.Reader, out io.Writer) (bool, error) {
	var failed bool
	outputs := map[string][]string{} // of tests that have not ended, by package and test
	skipped := map[string][]string{} // tests by reason
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			break
		}
		if err != nil && err != io.EOF {
			return failed, err
		}
		var e event
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
			fmt.Fprint(out, line)
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			failed = true
		case "output":
			if e.Test != "" {
				outputs[key] = append(outputs[key], e.Output)
			} else if text := strings.TrimSpace(e.Output); text != "PASS" && !strings.HasPrefix(text, "coverage:") {
				fmt.Fprint(out, e.Output)
			}
		case "pass":
			delete(outputs, key)
		case "skip":
			if e.Test != "" {
				why := reason(outputs[key])
				skipped[why] = append(skipped[why], e.Test)
			}
			delete(outputs, key)
		case "fail":
			failed = true
			fmt.Fprint(out, strings.Join(outputs[key], ""))
			delete(outputs, key)
		}
	}
	for _, output := range outputs { // tests that never ended: a panic or a timeout took the package down
		fmt.Fprint(out, strings.Join(output, ""))
	}
	reasons := make([]string, 0, len(skipped))
	for why := range skipped {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		fmt.Fprintf(out, "skipped: %s: %s\n", why, abridge(skipped[why]))
	}
	return failed, nil
}

// reason is what a test said to t.Skip, without the place in the source.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "===") || strings.HasPrefix(text, "---") {
			continue
		}
		if place, said, found := strings.Cut(text, ": "); found && strings.Contains(place, ".go:") {
			return said
		}
		return text
	}
	return "no reason given"
}

func abridge(names []string) string {
	if len(names) <= 5 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
}
