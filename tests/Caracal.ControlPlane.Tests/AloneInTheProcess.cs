namespace Caracal.ControlPlane.Tests;

/// <summary>Tests of promised times: they run when no other test of this process does.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;
