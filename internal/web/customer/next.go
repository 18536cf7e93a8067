package customer

import (
	"slices"

	"luvat/internal/forms"
)

// nextQuestion is where a person goes on who had the questions drawn again: at
// the first that was not there before, else at the one after the answer that
// decided, else at that.
func nextQuestion(before, now []forms.Node, decided string) string {
	old, all := questions(before), questions(now)
	for _, path := range all {
		if !slices.Contains(old, path) {
			return path
		}
	}
	if i := slices.Index(all, decided); i >= 0 && i+1 < len(all) {
		return all[i+1]
	}
	return decided
}

// questions lists the paths of what is asked, in the order of the page; rows
// are one question.
func questions(nodes []forms.Node) (all []string) {
	for _, n := range nodes {
		switch {
		case n.Kind == forms.KindGroup:
			all = append(all, questions(n.Children)...)
		case n.Path != "":
			all = append(all, n.Path)
		}
	}
	return all
}
