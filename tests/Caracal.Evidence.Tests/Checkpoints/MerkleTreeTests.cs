using Caracal.Evidence.Checkpoints;

namespace Caracal.Evidence.Tests.Checkpoints;

public sealed class MerkleTreeTests
{
    // The inputs and roots of the reference implementation of RFC 6962.
    private static readonly string[] Inputs =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    private static readonly string[] Roots =
    [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public async Task The_reference_tree_has_the_reference_roots_at_every_size()
    {
        var tree = new MemoryTree();
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Convert.ToHexStringLower(tree.Frontier.Root));
        for (var i = 0; i < Inputs.Length; i++)
        {
            tree.Add(MerkleTree.LeafHash(Convert.FromHexString(Inputs[i])));
            Assert.Equal(Roots[i], Convert.ToHexStringLower(tree.Frontier.Root));
            Assert.Equal(Roots[i], Convert.ToHexStringLower(await tree.Prover.RootAsync(i + 1, default)));
        }
    }

    [Fact]
    public async Task Every_leaf_of_every_size_is_provable_and_nothing_else_is()
    {
        var tree = new MemoryTree();
        for (var size = 1; size <= 65; size++)
        {
            tree.AddNumber(size);
            var root = tree.Frontier.Root;
            for (var index = 0; index < size; index++)
            {
                var path = await tree.Prover.InclusionAsync(index, size, default);
                var leaf = tree.Leaves[index];
                Assert.True(MerkleProofs.VerifyInclusion(index, size, leaf, path, root));
                Assert.False(MerkleProofs.VerifyInclusion(index, size, tree.Leaves[(index + 1) % size], path, root) && size > 1);
                Assert.False(MerkleProofs.VerifyInclusion(index, size, leaf, [.. path, leaf], root));
                Assert.False(path.Count > 0 && MerkleProofs.VerifyInclusion(index, size, leaf, [.. path.Skip(1)], root));
                Assert.False(MerkleProofs.VerifyInclusion(size, size, leaf, path, root));
            }
        }
    }

    [Fact]
    public async Task Every_older_tree_is_provably_the_beginning_of_every_newer_one()
    {
        var tree = new MemoryTree();
        var roots = new List<byte[]> { tree.Frontier.Root };
        for (var size = 1; size <= 65; size++)
        {
            tree.AddNumber(size);
            roots.Add(tree.Frontier.Root);
            for (var old = 0; old <= size; old++)
            {
                var path = await tree.Prover.ConsistencyAsync(old, size, default);
                Assert.True(MerkleProofs.VerifyConsistency(old, size, roots[old], roots[size], path), $"{old} in {size}");
                Assert.False(old > 0 && MerkleProofs.VerifyConsistency(old, size, roots[old - 1], roots[size], path), $"{old} in {size}");
                Assert.False(old > 0 && old < size && MerkleProofs.VerifyConsistency(old, size, roots[old], roots[size - 1], path), $"{old} in {size}");
            }
        }
    }

    [Fact]
    public async Task Large_trees_are_proven_from_stored_nodes_in_few_reads()
    {
        var tree = new MemoryTree();
        for (var i = 0; i < 70_000; i++) tree.AddNumber(i);
        var root = tree.Frontier.Root;

        foreach (var index in new[] { 0, 255, 256, 65_535, 65_536, 69_999 })
        {
            tree.Reads = 0;
            var path = await tree.Prover.InclusionAsync(index, 70_000, default);
            Assert.True(MerkleProofs.VerifyInclusion(index, 70_000, tree.Leaves[index], path, root));
            Assert.InRange(tree.Reads, 1, 40);
        }
    }

    [Fact]
    public void A_frontier_goes_on_where_its_text_left_off_and_refuses_one_that_does_not_fit()
    {
        var tree = new MemoryTree();
        for (var i = 0; i < 300; i++)
        {
            tree.AddNumber(i);
            var again = TreeFrontier.Import(tree.Frontier.Size, tree.Frontier.Export())!;
            Assert.Equal(tree.Frontier.Root, again.Root);
        }

        Assert.Null(TreeFrontier.Import(299, tree.Frontier.Export()));
        Assert.Null(TreeFrontier.Import(300, "no base64"));
        Assert.Null(TreeFrontier.Import(-1, ""));
    }

    private sealed class MemoryTree : ITreeNodes
    {
        private readonly Dictionary<(int Level, long Position), byte[]> _nodes = [];

        public MemoryTree() => Prover = new MerkleProver(this);

        public List<byte[]> Leaves { get; } = [];
        public TreeFrontier Frontier { get; } = new();
        public MerkleProver Prover { get; }
        public int Reads { get; set; }

        public void AddNumber(int number) => Add(MerkleTree.LeafHash(BitConverter.GetBytes(number)));

        public void Add(byte[] leaf)
        {
            var completed = new List<TreeNode>();
            Leaves.Add(leaf);
            Frontier.Add(leaf, completed);
            foreach (var node in completed) _nodes.Add((node.Level, node.Position), node.Hash);
        }

        public Task<IReadOnlyList<byte[]>> ReadAsync(int level, long first, int count, CancellationToken cancellationToken)
        {
            Reads++;
            Assert.InRange(count, 1, 256);
            return Task.FromResult<IReadOnlyList<byte[]>>(
                [.. Enumerable.Range(0, count).Select(i => level == 0 ? Leaves[(int)first + i] : _nodes[(level, first + i)])]);
        }
    }
}
