package hostfiles

import (
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	at := func(line int, h Host) Host {
		h.Origin = "f:" + string(rune('0'+line))
		return h
	}
	for text, want := range map[string][]Host{
		"a":                  {at(1, Host{Name: "a", Slots: 1})},
		"a slots=4\n":        {at(1, Host{Name: "a", Slots: 4})},
		"a:4":                {at(1, Host{Name: "a", Slots: 4})},
		"\ufeffa\r\nb:2\r\n": {at(1, Host{Name: "a", Slots: 1}), at(2, Host{Name: "b", Slots: 2})},
		"# all\n\n \t\na slots = 2 max_slots =8 # two": {at(4, Host{Name: "a", Slots: 2, MaxSlots: 8})},
		"a max-slots=3 SLOTS=2":                        {at(1, Host{Name: "a", Slots: 2, MaxSlots: 3})},
		"a\nb\na\na:2":                                 {at(1, Host{Name: "a", Slots: 4}), at(2, Host{Name: "b", Slots: 1})},
		"u@a port=22022":                               {at(1, Host{Name: "a", User: "u", Port: 22022, Slots: 1})},
		"a user=azure slots=2":                         {at(1, Host{Name: "a", User: "azure", Slots: 2})},
		"u@a user=u":                                   {at(1, Host{Name: "a", User: "u", Slots: 1})},
		"2001:db8::1 slots=4":                          {at(1, Host{Name: "2001:db8::1", Slots: 4})},
		"::1":                                          {at(1, Host{Name: "::1", Slots: 1})},
		"[2001:db8::1]:4":                              {at(1, Host{Name: "2001:db8::1", Slots: 4})},
		"u@[::1]:2":                                    {at(1, Host{Name: "::1", User: "u", Slots: 2})},
		"[::1]":                                        {at(1, Host{Name: "::1", Slots: 1})},
		"fe80::1%eth0":                                 {at(1, Host{Name: "fe80::1%eth0", Slots: 1})},
		"10.0.0.4:3":                                   {at(1, Host{Name: "10.0.0.4", Slots: 3})},
		"vm[08-10].internal:2":                         {at(1, Host{Name: "vm08.internal", Slots: 2}), at(1, Host{Name: "vm09.internal", Slots: 2}), at(1, Host{Name: "vm10.internal", Slots: 2})},
		"vm[1-2,7,09]":                                 {at(1, Host{Name: "vm1", Slots: 1}), at(1, Host{Name: "vm2", Slots: 1}), at(1, Host{Name: "vm7", Slots: 1}), at(1, Host{Name: "vm09", Slots: 1})},
		"r[1-2]n[1-2]":                                 {at(1, Host{Name: "r1n1", Slots: 1}), at(1, Host{Name: "r1n2", Slots: 1}), at(1, Host{Name: "r2n1", Slots: 1}), at(1, Host{Name: "r2n2", Slots: 1})},
		"a[1-1]\n" + strings.Repeat("#", maxLine-1) + "\na1 slots=2": {at(1, Host{Name: "a1", Slots: 3})},
	} {
		got, err := Parse(strings.NewReader(text), "f")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.60q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "hostfile f: it names no host",
		"# only\n":                     "hostfile f: it names no host",
		"a\nb slots=x":                 `f:2: "slots=x": it is a number from 1 to 65536`,
		"a slots=0":                    `f:1: "slots=0": it is a number`,
		"a slots=-1":                   `f:1: "slots=-1": it is a number`,
		"a slots=+1":                   `f:1: "slots=+1": it is a number`,
		"a slots=99999":                `f:1: "slots=99999": it is a number`,
		"a slots=":                     `f:1: "slots=": it is a number`,
		"a slots=2 slots=2":            "f:1: slots is given twice",
		"a:2 slots=2":                  "f:1: slots is given twice",
		"a slots=4 max_slots=2":        "f:1: max_slots=2 is less than the 4 slots",
		"a port=70000":                 `f:1: "port=70000": it is a number from 1 to 65535`,
		"a cpus=4":                     `f:1: "cpus" is not known; there are slots=N, max_slots=N, port=N and user=NAME`,
		"a b":                          `f:1: "b": behind the host come slots=N`,
		"a 4":                          `f:1: "4": behind the host come`,
		"a:b":                          `f:1: "a:b": behind the colon stands how many slots`,
		"a:":                           `f:1: "a:": behind the colon`,
		"-oProxyCommand=evil":          `f:1: "-oProxyCommand=evil" is no name of a host`,
		"-l@a":                         `f:1: "-l" is no name of a user`,
		"@a":                           `f:1: "" is no name of a user`,
		"u@":                           `f:1: "" is no name of a host`,
		"a;reboot":                     `f:1: "a;reboot" is no name of a host`,
		"a$(x)":                        `is no name of a host`,
		"a\x00b":                       `f:1: "a\x00b" is no name of a host`,
		"hôte":                         `is no name of a host`,
		"fe80::1%a;b":                  `f:1: "fe80::1%a;b": behind the colon`,
		"vm[1-":                        "a range is written [1-16]",
		"vm1]":                         "a range is written",
		"vm[]":                         "a range is written",
		"vm[a-b]":                      "a range is written",
		"vm[1-2-3]":                    "a range is written",
		"vm[[1-2]]":                    "a range is written",
		"vm[5-3]":                      `f:1: "vm[5-3]": 5-3 runs backwards`,
		"vm[1-99999999]":               "more than 65536 hosts",
		"a[0-9999]b[0-9999]":           "more than 65536 hosts",
		"a[0-65535]\nb":                "f:2: more than 65536 hosts",
		"b port=1\na\nb":               "f:3: host b was named in f:1 with another port",
		"u@b\nv@b":                     "f:2: host b was named in f:1 with another user",
		"b max_slots=1\nb":             "f:2: host b has 2 slots, with those in f:1, and max_slots=1",
		"b max_slots=3\nb max_slots=4": "f:2: host b was named in f:1 with another max_slots",
		"b slots=65536\nb":             "f:2: host b has more than 65536 slots",
		strings.Repeat("a", 254):       "is no name of a host",
		strings.Repeat("x", maxLine+1): "hostfile f: a line of more than 65536 bytes",
		strings.Repeat("#\n", maxFile/2) + "# more": "hostfile f: more than 16777216 bytes",
	} {
		_, err := Parse(strings.NewReader(text), "f")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v; want %q", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                          "is a folder, not a hostfile",
		filepath.Join(dir, "none"):   "no such file or directory",
		filepath.Join(dir, "no/one"): "no such file or directory",
	} {
		if _, err := Read(path); err == nil || err.Error() != "hostfile "+path+": "+want {
			t.Errorf("%v; want hostfile %s: %s", err, path, want)
		}
	}
}

func TestSamples(t *testing.T) {
	for path, want := range map[string]struct{ hosts, slots int }{
		"local.txt": {1, 4}, "azure-4vms.txt": {4, 8}, "azure-scaleset.txt": {12, 48},
	} {
		hosts, err := Read(path)
		if err != nil || len(hosts) != want.hosts || Slots(hosts) != want.slots {
			t.Errorf("%s: %d hosts, %d slots, %v; want %v", path, len(hosts), Slots(hosts), err, want)
		}
	}
	if files, _ := filepath.Glob("*.txt"); len(files) != 3 {
		t.Errorf("%d samples; this test knows 3", len(files))
	}
}

func TestParseList(t *testing.T) {
	for list, want := range map[string]string{
		"a:2,b:2": "a:2 b:2", "a,a,b": "a:2 b:1", "vm[1-2,4]:3, u@b": "vm1:3 vm2:3 vm4:3 u@b:1", "[::1]:2,::1": "::1:3",
	} {
		hosts, err := ParseList(list)
		var got []string
		for _, h := range hosts {
			if h.Origin != "--host" {
				t.Errorf("%s: origin %q", list, h.Origin)
			}
			got = append(got, h.String()+":"+string(rune('0'+h.Slots)))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v; want %s", list, got, err, want)
		}
	}
	for list, want := range map[string]string{
		"": "nothing between two commas", "a,": "nothing between two commas", "a b": "has a blank in it", "a#": "",
		"a[1,b": "a range is written", "a:x": "behind the colon", "a slots=2": "has a blank in it",
	} {
		if _, err := ParseList(list); want != "" && (err == nil || !strings.HasPrefix(err.Error(), "--host ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v; want %q", list, err, want)
		}
	}
}

// What is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add("a slots=4 max_slots=8 # x\nb:2\nvm[01-03,7].x user=u port=22\n[::1]:4\nfe80::1%eth0\na")
	f.Add("\ufeffa\r\n\x00")
	f.Add("a[[]]@:= =\n#")
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := Parse(strings.NewReader(text), "f")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("%q is not one line", err)
			}
			return
		}
		var b strings.Builder
		for _, h := range hosts {
			b.WriteString(h.written() + "\n")
		}
		again, err := Parse(strings.NewReader(b.String()), "f")
		for i := range again {
			again[i].Origin = hosts[i].Origin
		}
		if err != nil || !reflect.DeepEqual(hosts, again) {
			t.Errorf("%q: %+v becomes %+v, %v", text, hosts, again, err)
		}
	})
}

// written returns the host as a line of a hostfile.
func (h Host) written() string {
	line := []string{h.Name}
	add := func(key string, n int) {
		if n > 0 {
			line = append(line, key+"="+strconv.Itoa(n))
		}
	}
	add("slots", h.Slots)
	add("max_slots", h.MaxSlots)
	add("port", h.Port)
	if h.User != "" {
		line = append(line, "user="+h.User)
	}
	return strings.Join(line, " ")
}

func drawHosts(t *rapid.T) []Host {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Host {
		h := Host{Name: "h", Slots: rapid.IntRange(1, 5).Draw(t, "slots")}
		if rapid.Bool().Draw(t, "limited") {
			h.MaxSlots = h.Slots + rapid.IntRange(0, 3).Draw(t, "more")
		}
		return h
	}), 1, 6).Draw(t, "hosts")
}

// Place keeps to slots and limits, and fails only when that is impossible.
func TestPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := drawHosts(t)
		n := rapid.IntRange(0, 40).Draw(t, "n")
		over := rapid.Bool().Draw(t, "oversubscribe")
		by := rapid.SampledFrom([]MapBy{BySlot, ByNode}).Draw(t, "by")
		slots, room := Slots(hosts), 0
		for _, h := range hosts {
			if h.MaxSlots == 0 {
				room += 40
			} else {
				room += h.MaxSlots
			}
		}
		placement, err := Place(hosts, n, by, over)
		if n == 0 {
			n = slots
		}
		if n > slots && !over || n > room {
			if err == nil {
				t.Fatalf("%d ranks on %d slots, room %d: no error", n, slots, room)
			}
			return
		}
		if err != nil || len(placement) != n {
			t.Fatalf("%d of %d ranks placed, %v", len(placement), n, err)
		}
		count := make([]int, len(hosts))
		for _, h := range placement {
			count[h]++
		}
		for i, h := range hosts {
			switch {
			case n <= slots && count[i] > h.Slots, h.MaxSlots > 0 && count[i] > h.MaxSlots:
				t.Errorf("%d ranks on %+v", count[i], h)
			case n >= slots && count[i] < h.Slots:
				t.Errorf("%d ranks on %+v, and it has free slots", count[i], h)
			}
		}
		if by == BySlot && !slices.IsSorted(placement) {
			t.Errorf("by slot: %v", placement)
		}
		if n <= slots && !slices.Equal(placement, dealtSlowly(hosts, n, by)) {
			t.Errorf("%v; want %v", placement, dealtSlowly(hosts, n, by))
		}
	})
}

// dealtSlowly is Place within the slots, one rank after the other.
func dealtSlowly(hosts []Host, n int, by MapBy) []int {
	free := make([]int, len(hosts))
	for i, h := range hosts {
		free[i] = h.Slots
	}
	var placement []int
	for at := 0; len(placement) < n; {
		if free[at] > 0 {
			free[at]--
			placement = append(placement, at)
			if by == BySlot {
				continue
			}
		}
		at = (at + 1) % len(hosts)
	}
	return placement
}

func TestPlaceErrors(t *testing.T) {
	hosts := []Host{{Name: "a", Slots: 2, MaxSlots: 3}, {Name: "b", Slots: 2, MaxSlots: 2}}
	_, err := Place(hosts, 9, BySlot, false)
	if err == nil || err.Error() != "-n 9: there are 4 slots on 2 hosts; give --oversubscribe, or more slots" {
		t.Error(err)
	}
	_, err = Place(hosts, 9, ByNode, true)
	if err == nil || err.Error() != "-n 9: max_slots allows 5 ranks on 2 hosts" {
		t.Error(err)
	}
	if _, err := ParseMapBy("core"); err == nil {
		t.Error("core is no way to map")
	}
}
