package survey

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
)

func TestGifts(t *testing.T) {
	s := small()
	alcohol, place, why := Target{Form: "police", Field: "alcohol"}, Target{Term: "event.place"}, Target{Form: "rescue", Field: "why"}
	size, late, fire := &s.Areas[0].Questions[0], &s.Areas[0].Questions[1], &s.Areas[1].Questions[0]
	size.Beside = &Target{Term: "event.peak"}
	size.Answers[2].Gives = []Gift{{why, []string{"crowd"}}}
	late.Answers[0].Gives = []Gift{{alcohol, true}}
	late.Answers[1].Gives = []Gift{{alcohol, false}}
	fire.Answers[0].Gives = []Gift{{place, "outdoors"}, {why, []string{"fire", "crowd"}}}
	fire.Answers[1].Gives = []Gift{{place, "indoors"}, {alcohol, true}}
	fire.Answers[2].Gives = []Gift{{place, nil}}
	s = parse(t, s)
	for _, tt := range []struct {
		name  string
		given Answers
		want  []Gift
	}{
		{"nothing answered", Answers{}, nil},
		{"no is an answer too", Answers{"q_late": {"no"}}, []Gift{{alcohol, false}}},
		{"lists count together", Answers{"q_size": {"crowd"}, "q_fire": {"open-fire"}}, []Gift{{why, []string{"crowd", "fire"}}, {place, "outdoors"}}},
		{"two answers that agree", Answers{"q_late": {"yes"}, "q_fire": {"show"}}, []Gift{{alcohol, true}, {place, "indoors"}}},
		{"two answers that differ", Answers{"q_late": {"no"}, "q_fire": {"show", "open-fire"}}, []Gift{{why, []string{"fire", "crowd"}}}},
		{"an answer that leaves it open", Answers{"q_fire": {"none", "show"}}, []Gift{{alcohol, true}}},
		{"and in whatever order", Answers{"q_fire": {"show", "none"}}, []Gift{{alcohol, true}}},
		{"what the survey does not know", Answers{"q_late": {"yes", "no"}, "q_fire": {"smoke"}, "q_x": {"yes"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, s.Gifts(tt.given)); diff != "" {
				t.Errorf("gifts (-want +got):\n%s", diff)
			}
		})
	}
	told := s.Told(Answers{"q_size": {"many"}, "q_late": {"yes"}})
	if diff := cmp.Diff(map[Target][]i18n.Text{{Term: "event.peak"}: {text("many")}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
