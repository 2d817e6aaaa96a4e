package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// coverage prints a profile by package and as a total, and returns the exit
// code: 1 below the floor. A profile of several test binaries holds each block
// once for every binary; a block counts as covered when any of them ran it.
func coverage(file string, floor float64) int {
	profile, err := os.Open(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "reading coverage:", err)
		return 1
	}
	defer profile.Close()
	type block struct {
		statements int
		covered    bool
	}
	blocks := map[string]block{} // by file and position
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		place, counts, found := strings.Cut(lines.Text(), " ")
		var statements, count int
		if _, err := fmt.Sscanf(counts, "%d %d", &statements, &count); !found || err != nil {
			continue // the mode line
		}
		blocks[place] = block{statements, blocks[place].covered || count > 0}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "reading coverage:", err)
		return 1
	}
	type sum struct{ all, covered int }
	var total sum
	packages := map[string]sum{}
	for place, b := range blocks {
		source, _, _ := strings.Cut(place, ".go:")
		s := packages[path.Dir(source)]
		s.all, total.all = s.all+b.statements, total.all+b.statements
		if b.covered {
			s.covered, total.covered = s.covered+b.statements, total.covered+b.statements
		}
		packages[path.Dir(source)] = s
	}
	percent := func(s sum) float64 { return 100 * float64(s.covered) / float64(max(s.all, 1)) }
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Printf("coverage %5.1f %%  %s\n", percent(packages[name]), name)
	}
	fmt.Printf("coverage %5.1f %%  total of statements (floor %.0f %%)\n", percent(total), floor)
	if percent(total) < floor {
		fmt.Println("coverage is below the floor")
		return 1
	}
	return 0
}
