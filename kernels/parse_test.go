package kernels

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"blur":                           "blur:size=31,sigma=0",
		"BL:Size=5":                      "blur:size=5,sigma=0",
		"blur:sigma=1.5,size=7":          "blur:size=7,sigma=1.5",
		"canny:l2=true":                  "edges:low=100,high=200,l2=true",
		"bc:alpha=-0.7,beta=1e2":         "brightness-contrast:alpha=-0.7,beta=100",
		"gray":                           "gray",
		"edges: low = 1 , high=2":        "edges:low=1,high=2,l2=false",
		"brightness-contrast:beta=-30.5": "brightness-contrast:alpha=1.5,beta=-30.5",
	} {
		chain, err := Parse([]string{in})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := chain[0].String()
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		again, err := Parse([]string{got})
		if err != nil || again[0].String() != got {
			t.Errorf("%s does not stay as it is: %v, %v", got, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "unknown operation",
		"blurr":                   "did you mean blur?",
		"sketsch":                 "did you mean sketch?",
		"blur:":                   "not of the form key=value",
		"blur:size":               "not of the form key=value",
		"blur:sice=3":             "it has size, sigma",
		"gray:x=1":                "it has none",
		"blur:size=3,size=5":      "twice",
		"blur:size=4":             "odd",
		"blur:size=0":             "from 1 to 1023",
		"blur:size=-1":            "from 1 to 1023",
		"blur:size=1e30":          "from 1 to 1023",
		"blur:size=3.5":           "whole",
		"blur:size=three":         "not a number",
		"blur:size=3\n5":          "not a number",
		"bc:beta=1e999":           "not from",
		"gray:\n=1":               "it has none",
		"bc:alpha=NaN":            "not a number",
		"bc:alpha=Inf":            "not from",
		"edges:l2=maybe":          "not true or false",
		strings.Repeat("x", 1000): "unknown operation",
	} {
		_, err := Parse([]string{"gray", in})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
	if _, err := Parse(nil); err == nil {
		t.Error("an empty chain is no error")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"blur:size=5,sigma=1", "edges:low=1", ":", "=,", "gray:\x00", "bc:alpha=0x1p4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		chain, err := Parse([]string{s})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q: the error is more than one line: %v", s, err)
			}
			return
		}
		if _, err := Parse([]string{chain[0].String()}); err != nil {
			t.Errorf("%q is normalised to %q: %v", s, chain[0], err)
		}
	})
}

// TestDefinitions: the order of listings, and parameters in JSON.
func TestDefinitions(t *testing.T) {
	var names []string
	for _, d := range Definitions() {
		names = append(names, d.Name)
	}
	const want = "gray edges sharpen blur sketch invert brightness-contrast red green blue hsv heatmap"
	if got := strings.Join(names, " "); !strings.HasPrefix(got, want) {
		t.Errorf("%s; want %s first", got, want)
	}
	for _, c := range []struct {
		param Param
		want  string
	}{
		{Param{Name: "l2", Kind: KindBool, Default: 1, Doc: "d"}, `{"name":"l2","kind":"bool","default":true,"doc":"d"}`},
		{Param{Name: "n", Kind: KindInt, Default: 1, Max: 3, Odd: true}, `{"name":"n","kind":"int","default":1,"min":0,"max":3,"odd":true,"doc":""}`},
	} {
		if got, err := json.Marshal(c.param); err != nil || string(got) != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

// TestSplitChain: spaces in a kernel are not between operations.
func TestSplitChain(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                     nil,
		" blur:size=5  edges ":                 {"blur:size=5", "edges"},
		"conv:kernel=1 2 1;2 4 2;1 2 1 INVERT": {"conv:kernel=1 2 1;2 4 2;1 2 1", "INVERT"},
		"conv:kernel=@a b.csv,delta=1 gr":      {"conv:kernel=@a b.csv,delta=1", "gr"},
		"blur nonsense":                        {"blur", "nonsense"},
		"conv nonsense":                        {"conv", "nonsense"},
	} {
		if got := SplitChain(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestChainsAreBounded: what all ranks are told of a chain has a limit.
func TestChainsAreBounded(t *testing.T) {
	if _, err := Parse(slices.Repeat([]string{"invert"}, maxOps+1)); err == nil {
		t.Error("there is no limit to the number of operations")
	}
	if _, err := Parse(slices.Repeat([]string{"invert"}, maxOps)); err != nil {
		t.Error(err)
	}
	large := "conv:kernel=" + strings.Repeat(strings.Repeat("0.123456789012345,", 254)+"1;", 254) + strings.Repeat("0,", 254) + "1"
	if _, err := Parse([]string{large, large}); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]string{large, large, large, large}); err == nil || strings.Count(err.Error(), "0.1234") > 0 {
		t.Errorf("kernels of any size: %v", err)
	}
}
