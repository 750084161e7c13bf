package ranks

import "halorun/kernels"

// Outline is a plan in brief, for people.
type Outline struct {
	Lanes  int            `json:"lanes"` // of a rank
	Stages []StageOutline `json:"stages"`
}

// StageOutline is a stage of an Outline.
type StageOutline struct {
	Ops      []string `json:"ops"`       // normalised; none if the stage only brings a decision's result to OUTPUT
	TileRows int      `json:"tile_rows"` // height of a tile; the last of a run may be lower
	Ranks    []Share  `json:"ranks"`     // by rank
}

// Share is what one rank computes of a stage: tiles between the rows Lo and Hi, the last one not included. Where tiles are dealt
// out in turn, others' tiles lie between them.
type Share struct {
	Lo    int `json:"lo"`
	Hi    int `json:"hi"`
	Rows  int `json:"rows"`
	Tiles int `json:"tiles"`
}

// Outline returns the plan that the head would decide for j, whose Ranks says for how many ranks, 0 standing for one. Where the
// files are, and who can open them, does not matter to it, but that Output has a descriptor, and so is a stream, does.
func (p *Picture) Outline(j Job) Outline {
	n := max(1, j.Ranks)
	encoder := p.Output.Encoder()
	direct := encoder == nil && j.Output.FD == 0
	plan := decide(p.stages, make([]bool, n), make([]bool, n), standing{}, j.division(p, n, encoder, direct))
	o := Outline{Lanes: plan.Lanes}
	ops := p.stageOps()
	for i, s := range plan.Stages {
		stage := StageOutline{Ops: ops[i], TileRows: s.TileRows}
		for rank := range n {
			stage.Ranks = append(stage.Ranks, s.share(s.of(rank, plan.Lanes)))
		}
		o.Stages = append(o.Stages, stage)
	}
	return o
}

// share sums up the runs of a rank's lanes.
func (p StagePlan) share(lanes [][]kernels.Rows) Share {
	tiles := p.ascending(lanes)
	if len(tiles) == 0 {
		return Share{}
	}
	s := Share{Lo: tiles[0].Lo, Hi: tiles[len(tiles)-1].Hi, Tiles: len(tiles)}
	for _, t := range tiles {
		s.Rows += t.Len()
	}
	return s
}

// stageOps returns the operations by the stage that they end in.
func (p *Picture) stageOps() [][]string {
	ops := make([][]string, len(p.stages))
	for i := range ops {
		ops[i] = []string{} // a list in JSON, too
	}
	stage, shape, ended := 0, p.stages[0].In, false
	for _, op := range p.Ops {
		chain, err := kernels.Parse([]string{op})
		if err != nil {
			panic(err) // it is normalised
		}
		of, err := chain.Stages(shape)
		if err != nil {
			panic(err) // it has passed this before
		}
		last := of[len(of)-1]
		if ended && len(of[0].Steps) > 0 {
			stage++
		}
		if len(last.Steps) > 0 {
			ended = last.Global() != nil
		}
		stage, shape = stage+len(of)-1, last.Out
		ops[stage] = append(ops[stage], op)
	}
	return ops
}
