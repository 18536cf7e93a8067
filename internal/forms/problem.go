package forms

import (
	"fmt"
	"strings"

	"luvat/internal/i18n"
)

// A Problem is one thing that must be put right: where, and what.
type Problem struct {
	Path string // of the answer, such as "rows.0.name"; empty for the whole form
	Key  string // of the message in i18n, such as "forms.required"
	Args []any  // of the message: numbers, texts, i18n.Text

	missing bool
}

// Missing reports whether something has not been answered yet, as opposed to
// answered wrongly.
func (p Problem) Missing() bool { return p.missing }

// Text returns the message in a language: what is wrong and what to do.
func (p Problem) Text(lang i18n.Lang) string {
	args := make([]any, len(p.Args))
	for i, arg := range p.Args {
		switch arg := arg.(type) {
		case i18n.Text:
			args[i] = arg.In(lang)
		case []i18n.Text:
			words := make([]string, len(arg))
			for j, t := range arg {
				words[j] = t.In(lang)
			}
			args[i] = strings.Join(words, ", ")
		case fmt.Stringer: // json.Number
			args[i] = Number(lang, arg.String())
		case int:
			args[i] = Number(lang, fmt.Sprint(arg))
		default:
			args[i] = arg
		}
	}
	return i18n.T(lang, p.Key, args...)
}

// Error names the place and the message; it holds no answer.
func (p Problem) Error() string { return at(p.Path) + ": " + p.Key }

// Problems are all that must be put right, in the order of the layout.
//
// A nil Problems in an error variable is not a nil error: return it as an error
// only when it is not empty, or through [Problems.Err].
type Problems []Problem

// Error names the places and the messages; it holds no answers.
func (ps Problems) Error() string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.Error()
	}
	return strings.Join(parts, "; ")
}

// Err returns the problems as an error, nil if there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// At returns the first problem at exactly this path.
func (ps Problems) At(path string) (Problem, bool) {
	for _, p := range ps {
		if p.Path == path {
			return p, true
		}
	}
	return Problem{}, false
}
