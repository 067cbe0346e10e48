namespace Caracal.Storage.Migrations;

/// <summary>How the database's schema and this program fit (operations.md 7.4).</summary>
public enum SchemaState
{
    /// <summary>Migrations are missing, or their list cannot be read: <c>schema_outdated</c> on <c>/ready</c>.</summary>
    Outdated,

    /// <summary>A contract-phase migration this program does not know was applied: it must not run here.</summary>
    Incompatible,

    /// <summary>Everything this program needs is there.</summary>
    Current,
}
