package saml

import (
	"errors"
	"regexp"
	"strconv"
	"time"
)

var durations = regexp.MustCompile(`^P(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})(?:\.[0-9]+)?S)?)?$`)

// duration reads an xs:duration of days, hours, minutes and seconds; years and
// months, whose length is not known, are refused. "" is 0.
func duration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	parts := durations.FindStringSubmatch(s)
	if parts == nil {
		return 0, errors.New("cacheDuration is not a duration of days, hours, minutes and seconds")
	}
	var sum time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if parts[i+1] != "" {
			n, err := strconv.Atoi(parts[i+1])
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * unit
		}
	}
	return sum, nil
}
