using System.Globalization;
using Caracal.Storage.Migrations;

namespace Caracal.Storage.Tests.Migrations;

public sealed class MigrationNumberTests
{
    /// <summary>Two changes made side by side easily take the same number; then their order would be that of their names.</summary>
    [Fact]
    public void Each_number_is_one_migrations_and_none_is_left_out()
    {
        var numbers = MigrationFiles.For(new SqliteDialect()).Select(migration => int.Parse(migration.Version[..4], CultureInfo.InvariantCulture));
        Assert.Equal(Enumerable.Range(1, numbers.Max()), numbers);
    }
}
