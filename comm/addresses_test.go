package comm

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestParsePortRange(t *testing.T) {
	for text, want := range map[string]PortRange{"20000-20100": {20000, 20100}, "7": {7, 7}, "1-65535": {1, 65535}} {
		got, err := ParsePortRange(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", "0", "0-5", "5-4", "1-65536", "a", "1-", "-1", "+1", "1-2-3", " 1"} {
		if got, err := ParsePortRange(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestCandidates(t *testing.T) {
	var own []ownAddress
	for _, a := range []string{"lo 127.0.0.1", "lo ::1", "eth0 10.0.0.4", "eth0 fe80::1", "eth0 2001:db8::4", "docker0 172.17.0.1", "ib0 192.168.7.4"} {
		iface, addr, _ := strings.Cut(a, " ")
		own = append(own, ownAddress{netip.MustParseAddr(addr), iface})
	}
	for _, c := range []struct {
		iface     string
		preferred []string
		want      string
	}{
		{"", nil, "10.0.0.4,2001:db8::4,172.17.0.1,192.168.7.4"},
		{"", []string{"192.168.7.4"}, "192.168.7.4,10.0.0.4,2001:db8::4,172.17.0.1"},
		{"", []string{"8.8.8.8"}, "10.0.0.4,2001:db8::4,172.17.0.1,192.168.7.4"},
		{"ib0", nil, "192.168.7.4"},
		{"eth0", nil, "10.0.0.4,2001:db8::4"},
		{"192.168.0.0/16", nil, "192.168.7.4"},
		{"2001:db8::4", nil, "2001:db8::4"},
		{"lo", nil, "127.0.0.1,::1"},
	} {
		got, err := candidates(own, c.iface, c.preferred)
		if err != nil || joinAddrs(got) != c.want {
			t.Errorf("%q, %v: %v, %v; want %s", c.iface, c.preferred, joinAddrs(got), err, c.want)
		}
	}
	for _, iface := range []string{"eth7", "10.1.0.0/24", "10.0.0.5"} {
		if _, err := candidates(own, iface, nil); err == nil || !strings.Contains(err.Error(), iface) || !strings.Contains(err.Error(), "eth0 10.0.0.4") {
			t.Errorf("%s: %v", iface, err)
		}
	}
	if _, err := candidates(own[:2], "", nil); err == nil {
		t.Error("a host with loopback only can be reached")
	}
}

// Only what leads to others is listened on; and where nothing does, everything.
func TestLeading(t *testing.T) {
	lo, other := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.77")
	mine := []netip.Addr{other, lo}
	own := []ownAddress{{other, "x0"}, {netip.MustParseAddr("172.17.0.1"), "docker0"}}
	if got := leading(mine, own, []netip.Addr{netip.MustParseAddr("127.0.0.9")}); !slices.Equal(got, []netip.Addr{lo}) {
		t.Errorf("to 127.0.0.9 lead %v", got)
	}
	if got := leading(mine, own, []netip.Addr{netip.MustParseAddr("172.17.0.1")}); !slices.Equal(got, mine) {
		t.Errorf("to an address of our own lead %v", got)
	}
}

func TestPortsInUse(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	_, err = TCP{Interface: "127.0.0.1", Ports: PortRange{port, port}}.ListenFor(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "no free port in ") || !strings.Contains(err.Error(), "on 127.0.0.1; widen --port-range") {
		t.Error(err)
	}
	ln, err := TCP{Interface: "127.0.0.1", Ports: PortRange{port, port + 50}}.ListenFor(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if at := netip.MustParseAddrPort(ln.Addr()); int(at.Port()) <= port || int(at.Port()) > port+50 {
		t.Errorf("it listens on %v", at)
	}
}

func TestConnectErrors(t *testing.T) {
	for want, err := range map[string]error{
		"no connection from 127.0.0.1 to 127.0.0.1:9: connection refused; a firewall": syscall.ECONNREFUSED,
		"no connection from 127.0.0.1 to 127.0.0.1:9: connection timed out; a firew":  syscall.ETIMEDOUT,
		"no connection from 127.0.0.1 to 127.0.0.1:9: no route; the hosts are in":     syscall.EHOSTUNREACH,
		"no connection from 127.0.0.1 to 127.0.0.1:9: odd":                            errors.New("odd"),
	} {
		if got := (&connectError{to: "127.0.0.1:9", err: err}).Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
}
