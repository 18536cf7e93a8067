package forms

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// Judge is [Form.Check] of answers whose canonical text, as [Answers.Marshal]
// writes it, is at hand. What was judged lately is not judged again: the pages
// before the sending ask of the same text what the sending asks.
func (f *Form) Judge(text []byte, a Answers) Problems {
	if len(text) == 0 { // there is no text, not even of empty answers
		return f.Check(a)
	}
	key := sha256.Sum256(text)
	if ps, ok := f.judged.find(key); ok {
		return ps
	}
	ps := f.Check(a)
	f.judged.keep(key, ps)
	return ps
}

// Wrong returns what is answered wrongly, without what is still missing.
func (ps Problems) Wrong() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.missing })
}

// A verdict is kept with those of some hundred other texts, if it is short.
const (
	maxJudged  = 128
	maxVerdict = 24
)

// judged keeps verdicts by what they are over, in two halves: the older one goes
// when the newer is full.
type judged struct {
	mu       sync.Mutex
	new, old map[[sha256.Size]byte]Problems
}

func (j *judged) find(key [sha256.Size]byte) (Problems, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ps, ok := j.new[key]
	if !ok {
		ps, ok = j.old[key]
	}
	return slices.Clone(ps), ok
}

func (j *judged) keep(key [sha256.Size]byte, ps Problems) {
	if len(ps) > maxVerdict {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.new == nil || len(j.new) >= maxJudged {
		j.new, j.old = map[[sha256.Size]byte]Problems{}, j.new
	}
	j.new[key] = slices.Clone(ps)
}
