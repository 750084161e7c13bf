package comm

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// PortRange is the ports that a rank may listen on. The zero value means any free one.
type PortRange struct{ First, Last int }

// ParsePortRange reads 20000-20100, or 20000.
func ParsePortRange(s string) (PortRange, error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	if errA != nil || errB != nil || a < 1 || b < a {
		return PortRange{}, fmt.Errorf("%q is no range of ports; give FIRST-LAST, from 1 to 65535", s)
	}
	return PortRange{int(a), int(b)}, nil
}

// CheckInterface returns an error if no host can have such an interface, address or network.
func CheckInterface(s string) error {
	_, addrErr := netip.ParseAddr(s)
	_, networkErr := netip.ParsePrefix(s)
	// What Linux takes for the name of an interface.
	name := len(s) < 16 && s != "." && s != ".." && !strings.ContainsAny(s, "/:% \t\n\v\f\r\x00")
	if s != "" && addrErr != nil && networkErr != nil && !name {
		return fmt.Errorf("%q is no name of an interface, no address and no network such as 10.0.0.0/24", s)
	}
	return nil
}

func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// ownAddress is an address of this host.
type ownAddress struct {
	netip.Addr
	iface string
}

// ownAddresses returns the addresses of this host's interfaces that are up.
func ownAddresses() ([]ownAddress, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var own []ownAddress
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, ownAddress{p.Addr().Unmap(), i.Name})
			}
		}
	}
	return own, nil
}

// candidates returns the addresses by which other hosts may reach this one: the preferred ones first, and only those on the
// interface, if one is named.
func candidates(own []ownAddress, iface string, preferred []string) ([]netip.Addr, error) {
	network, networkErr := netip.ParsePrefix(iface)
	var found []netip.Addr
	for _, a := range own {
		switch {
		case iface == "":
			if !a.IsGlobalUnicast() {
				continue
			}
		case networkErr == nil:
			if !network.Contains(a.Addr) {
				continue
			}
		case a.iface != iface && a.String() != iface:
			continue
		}
		if a.Zone() == "" && !(a.Is6() && a.IsLinkLocalUnicast()) {
			found = append(found, a.Addr)
		}
	}
	if len(found) == 0 {
		var there []string
		for _, a := range own {
			there = append(there, a.iface+" "+a.String())
		}
		if iface == "" {
			return nil, fmt.Errorf("no address by which other hosts could reach this one; there are %s", strings.Join(there, ", "))
		}
		return nil, fmt.Errorf("no interface, address or network %s here; there are %s; give another --iface", iface, strings.Join(there, ", "))
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return rank(preferred, a) - rank(preferred, b) })
	return found, nil
}

func rank(preferred []string, a netip.Addr) int {
	if i := slices.Index(preferred, a.String()); i >= 0 {
		return i
	}
	return len(preferred)
}

// leading returns those of this host's addresses, in their order, from which the kernel would connect to one of the peers'. If it knows no way to any,
// it returns all.
func leading(mine []netip.Addr, own []ownAddress, peers []netip.Addr) []netip.Addr {
	used := make(map[netip.Addr]bool)
	for _, p := range peers {
		if slices.ContainsFunc(own, func(a ownAddress) bool { return a.Addr == p }) {
			continue // such as docker0's, which every host has
		}
		if from, err := sourceFor(netip.AddrPortFrom(p, 9).String()); err == nil {
			used[from] = true
		}
	}
	ways := slices.DeleteFunc(slices.Clone(mine), func(a netip.Addr) bool { return !used[a] })
	if len(ways) == 0 {
		return mine
	}
	return ways
}

// sourceFor returns the address from which the kernel would connect to another. It sends nothing.
func sourceFor(addr string) (netip.Addr, error) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	from, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, errors.New("no address")
	}
	return from.AddrPort().Addr().Unmap(), nil
}

func joinAddrs(addrs []netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ",")
}

// splitAddrs reads what joinAddrs wrote; a peer's text is held to its bounds.
func splitAddrs(text []byte) ([]netip.Addr, error) {
	if len(text) > maxAddr {
		return nil, fmt.Errorf("addresses of %d bytes", len(text))
	}
	var addrs []netip.Addr
	for t := range strings.SplitSeq(string(text), ",") {
		a, err := netip.ParseAddr(t)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}
