namespace Caracal.Storage.Tests.Privileges;

/// <summary>Tests that change roles, which all databases of the server share: they run when no other test of this process does.</summary>
[CollectionDefinition(nameof(AloneOnTheServer), DisableParallelization = true)]
public sealed class AloneOnTheServer;
