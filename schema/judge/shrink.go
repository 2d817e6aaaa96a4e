package judge

import "slices"

// Shrink makes an edit smaller while it still fails, by leaving elements out
// and by leaving them as they were. It asks fails at most budget times.
func Shrink(e Edit, budget int, fails func(Edit) bool) Edit {
	ask := func(elements []Element) bool {
		if budget <= 0 {
			return false
		}
		budget--
		if !fails(Edit{Seed: e.Seed, Elements: elements}) {
			return false
		}
		e.Elements = elements
		return true
	}
	for again := true; again && budget > 0; {
		again = false
		// The largest pieces first, from the end, since later elements need earlier ones.
		for size := (len(e.Elements) + 1) / 2; size > 0; size /= 2 {
			for at := len(e.Elements) - size; at > -size; at -= size {
				from := max(at, 0)
				to := min(from+size, len(e.Elements))
				if from < to && to-from < len(e.Elements) && ask(slices.Delete(slices.Clone(e.Elements), from, to)) {
					again = true
				}
			}
		}
		for i, el := range e.Elements {
			if el.Old == el.New {
				continue
			}
			for _, same := range []string{el.Old, el.New} {
				elements := slices.Clone(e.Elements)
				elements[i] = Element{same, same}
				if same == "" {
					continue // tried above
				}
				if ask(elements) {
					again = true
					break
				}
			}
		}
	}
	return e
}
