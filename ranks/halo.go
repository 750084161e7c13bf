package ranks

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
)

// neighbours supplies the stage after a decision: its rows are spread over the ranks, and each lane is sent those
// within reach of its tiles that its own rank does not have.
func (r *Rank) neighbours(stage int, d kernels.Decision) supply {
	plan, rowBytes := r.plan.Stages[stage], r.picture.stages[stage].Out.RowBytes()
	read := func(y int, dst [][]byte) error {
		for i, row := range dst {
			if err := d.Row(y+i, row); err != nil {
				return err
			}
		}
		return nil
	}
	return supply{
		owned: func(rank int) rowSet { return plan.rowsOf(rank, r.plan.Lanes) },
		read:  func(_ context.Context, y int, dst [][]byte) error { return read(y, dst) },
		have:  plan.holdings(r.plan.Lanes, rowBytes),
		kind:  halo, step: "halo",
		lend: func(_ context.Context, y int, dst [][]byte) error {
			defer r.meter.time(compute)()
			return read(y, dst)
		},
	}
}

// peers is what a decision needs of the other ranks.
type peers struct {
	ctx    context.Context
	r      *Rank
	tag    comm.Tag
	links  []border
	waited time.Duration // in the calls below
}

// border lists the rows at which this rank's rows touch another's.
type border struct {
	rank   int
	mine   []int // rows of this rank, in rising order of the pairs
	theirs []int // the row of the other that each touches
}

// newPeers finds this rank's borders in the plan of the given stage.
func (r *Rank) newPeers(ctx context.Context, stage int) *peers {
	p := &peers{ctx: ctx, r: r, tag: r.tag()}
	runs := r.plan.Stages[stage].rising(r.plan.Lanes)
	at := make(map[int]int)
	meet := func(other, mine, theirs int) {
		i, ok := at[other]
		if !ok {
			i = len(p.links)
			at[other] = i
			p.links = append(p.links, border{rank: other})
		}
		p.links[i].mine = append(p.links[i].mine, mine)
		p.links[i].theirs = append(p.links[i].theirs, theirs)
	}
	self := r.world.Rank()
	for i := 1; i < len(runs); i++ {
		above, below := runs[i-1], runs[i]
		switch {
		case above.rank == below.rank:
		case above.rank == self:
			meet(below.rank, above.tile.Hi-1, below.tile.Lo)
		case below.rank == self:
			meet(above.rank, below.tile.Lo, above.tile.Hi-1)
		}
	}
	return p
}

// wait counts the time until the returned function is called as spent on halos.
func (p *peers) wait() (stop func()) {
	began := time.Now()
	return func() {
		d := time.Since(began)
		p.waited += d
		p.r.meter.add(halo, d)
	}
}

// SwapBorders implements kernels.Peers.
func (p *peers) SwapBorders(row func(y int) ([]byte, error), absorb func(y int, b []byte) error) error {
	defer p.wait()()
	sent, received := make([][][]byte, len(p.links)), make([][]byte, len(p.links))
	for i, l := range p.links {
		sent[i] = make([][]byte, len(l.mine))
		size := 0
		for j, y := range l.mine {
			var err error
			if sent[i][j], err = row(y); err != nil {
				return err
			}
			size += len(sent[i][j])
		}
		received[i] = make([]byte, size)
	}
	g, ctx := errgroup.WithContext(p.ctx)
	for i, l := range p.links {
		g.Go(func() error { return p.r.world.Send(ctx, l.rank, p.tag, sent[i]...) })
		g.Go(func() error {
			n, err := p.r.world.Recv(ctx, l.rank, p.tag, received[i])
			if size := len(received[i]); err == nil && n != size {
				err = fmt.Errorf("rank %d sent %d bytes of border rows, not %d", l.rank, n, size)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, l := range p.links {
		each := len(received[i]) / len(l.theirs)
		for j, y := range l.theirs {
			if err := absorb(y, received[i][j*each:(j+1)*each]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Any implements kernels.Peers.
func (p *peers) Any(cond bool) (bool, error) {
	defer p.wait()()
	v := []int64{0}
	if cond {
		v[0] = 1
	}
	err := comm.Allreduce(p.ctx, p.r.world, v, comm.Max)
	return v[0] != 0, err
}

// Sum implements kernels.Peers.
func (p *peers) Sum(v []int64) error {
	defer p.wait()()
	return comm.Allreduce(p.ctx, p.r.world, v, comm.Sum)
}
