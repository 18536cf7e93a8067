package forms

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is remembered is what Check says of that text and of no other, also after
// many others, and whoever got it may change it.
func TestJudgeSaysWhatCheckSays(t *testing.T) {
	f := sample(t)
	judge := func(title string) Problems {
		t.Helper()
		a, err := ParseAnswers([]byte(`{"guards":"many","title":` + strconv.Quote(title) + `}`))
		if err != nil {
			t.Fatal(err)
		}
		text, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, want := f.Judge(text, a), f.Check(a)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Problem{})); diff != "" {
			t.Fatalf("title %q:\n%s", title, diff)
		}
		return got
	}
	for range 2 {
		for i := range 3 * maxJudged {
			clear(judge(fmt.Sprintf("%0*d", i%40, 0)))
		}
	}
	if n := len(f.judged.new) + len(f.judged.old); n > 2*maxJudged {
		t.Errorf("%d verdicts are kept", n)
	}
	wrong := judge("a").Wrong()
	if diff := cmp.Diff(f.CheckDraft(Answers{"guards": "many", "title": "a"}), wrong, cmp.AllowUnexported(Problem{})); diff != "" || len(wrong) == 0 {
		t.Errorf("what is wrong:\n%s", diff)
	}
	if one, other := f.Judge(nil, Answers{}), f.Judge(nil, Answers{"guards": "many"}); cmp.Equal(one, other, cmp.AllowUnexported(Problem{})) {
		t.Error("without a text, one verdict stands for another")
	}
}
